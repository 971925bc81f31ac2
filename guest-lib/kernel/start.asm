; SPDX-License-Identifier: MIT
;
; Where the builder enters the kernel: guest kernel mode (ring 3), paging on,
; events masked, rsi = start_info, .bss zero.  We take our own stack, so the
; builder's stack page becomes ordinary free memory.
BITS 64
default rel

GL_STACK_BYTES equ 16384

extern gl_start
global gl_entry, hypercall_page, gl_boot_stack, gl_boot_stack_top, gl_shared_info

section .text
gl_entry:
	cld
	lea rsp, [gl_boot_stack_top]
	xor ebp, ebp
	mov rdi, rsi
	call gl_start
	ud2

; The builder fills this page; `ret` (rax unchanged) until then.
section .text.hypercall_page align=4096
hypercall_page:
	times 4096 db 0xc3

section .bss align=4096
; The hypervisor's shared frame is mapped here; the frame behind is lost to us.
gl_shared_info:
	resb 4096
gl_boot_stack:
	resb GL_STACK_BYTES
gl_boot_stack_top:

section .note.GNU-stack noalloc noexec nowrite progbits
