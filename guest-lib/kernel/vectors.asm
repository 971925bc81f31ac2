; SPDX-License-Identifier: MIT
;
; Traps and events as the hypervisor bounces them into a guest kernel:
;
;	rsp -> rcx r11 [error code] rip cs rflags rsp ss
;
; Each stub turns that into struct gl_regs (include/gl/trap.h) and calls
; gl_trap_dispatch(), which says how to go back: not 0, by plain iretq (the same
; ring; nothing about events has changed), 0, by the iret hypercall, which also
; restores the event mask from rflags.IF in one step.
BITS 64
default rel

extern gl_trap_dispatch, hypercall_page
global gl_vector_stubs, gl_event_stub, gl_failsafe_stub
global gl_probe_read_at, gl_probe_write_at, gl_probe_fixup
global gl_probe_load, gl_probe_store

GL_VECTORS	equ 48
GL_VECTOR_EVENT	equ 256
IRET_ENTRY	equ 23 * 32

section .text

%macro stub 1
align 16
%%start:
	pop rcx
	pop r11
%if %1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17 || %1 == 21
%else
	push 0
%endif
	push %1
	jmp trap_common
	times 16 - ($ - %%start) db 0xcc
%endmacro

align 16
gl_vector_stubs:		; 16 bytes each
%assign vector 0
%rep GL_VECTORS
	stub vector
%assign vector vector + 1
%endrep

gl_event_stub:
	pop rcx
	pop r11
	push 0
	push GL_VECTOR_EVENT
trap_common:
	cld
	push rax
	push rcx
	push rdx
	push rbx
	push rbp
	push rsi
	push rdi
	push r8
	push r9
	push r10
	push r11
	push r12
	push r13
	push r14
	push r15
	mov rdi, rsp
	mov rbx, rsp
	and rsp, -16
	call gl_trap_dispatch
	mov rsp, rbx
	test eax, eax
	pop r15
	pop r14
	pop r13
	pop r12
	pop r11
	pop r10
	pop r9
	pop r8
	pop rdi
	pop rsi
	pop rbp
	pop rbx
	pop rdx
	pop rcx
	pop rax
	lea rsp, [rsp + 16]	; keeps the flags of `test`
	jz .hypercall
	iretq
.hypercall:
	push 0			; not in a system call; the page pushes rcx r11 rax
	jmp hypercall_page + IRET_ENTRY

; Loading a segment or returning failed: we never use such selectors.
gl_failsafe_stub:
	ud2

; bool gl_probe_load(uint64_t va, uint64_t *out), gl_probe_store(va, value): touch memory that may fault.
; traps.c moves rip from the two marked instructions to the fixup.
gl_probe_load:
gl_probe_read_at:
	mov rax, [rdi]
	mov [rsi], rax
	mov eax, 1
	ret
gl_probe_store:
gl_probe_write_at:
	mov [rdi], rsi
	mov eax, 1
	ret
gl_probe_fixup:
	xor eax, eax
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
