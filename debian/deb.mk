# SPDX-License-Identifier: MIT
# Included by the top Makefile.
deb: ## Debian packages in build/deb: pasture, pasture-tools, libpasture-guest-dev, pasture-dkms
	@.ci/deps.sh deb && bash debian/build.sh $(B)/deb
.PHONY: deb
