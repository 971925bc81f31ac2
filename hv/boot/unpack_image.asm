; SPDX-License-Identifier: MIT
; The kernel that unpacks another one (guest-lib/unpack), as it is loaded.
section .rodata
global unpack_image, unpack_image_end
align 16
unpack_image:
	incbin "unpack.elf"
unpack_image_end:
