; SPDX-License-Identifier: MIT
;
; long gl_hypercall(nr, a1, a2, a3, a4, a5): through the hypercall page, whose
; entry nr lies at nr * 32.  Xen's registers: rdi rsi rdx r10 r8, result in rax;
; rcx and r11 are lost to `syscall`, as C expects of any call.
BITS 64
default rel

extern hypercall_page
global gl_hypercall

section .text
gl_hypercall:
	mov eax, edi
	shl rax, 5
	lea r11, [hypercall_page]
	add rax, r11
	mov rdi, rsi
	mov rsi, rdx
	mov rdx, rcx
	mov r10, r8
	mov r8, r9
	jmp rax

section .note.GNU-stack noalloc noexec nowrite progbits
