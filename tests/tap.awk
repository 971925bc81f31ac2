# SPDX-License-Identifier: MIT
# Results of `make test` as TAP 13 (https://testanything.org): what run-all.sh read, kind by kind after
# a line "--- KIND ---", becomes a line for each test; what a failure said follows it as comments.
function test(word) {
	sub(/^  [A-Z]+ +/, "")
	sub("^" kind ":? ", "")
	gsub(/[#\\]/, "\\\\&")
	count++
	said = word != "SUCCESS" && word != "SKIP"
	print (said ? "not ok " : "ok ") count " - " kind " " $0 (word == "SKIP" ? " # SKIP" : "")
}
BEGIN { print "TAP version 13" }
/^--- [a-z]+ ---$/ { kind = $2; said = 0; next }
/^  (SUCCESS|SKIP|FAILURE|ERROR|CRASH|TIMEOUT) / { test($1); next }
/^[0-9]+ (passed, [0-9]+ failed|skipped)$/ { said = 0; next }
said { print "# " $0 }
END { print "1.." count + 0 }
