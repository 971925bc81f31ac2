; SPDX-License-Identifier: MIT
;
; Entries into the hypervisor, and the way out to a guest.
;
; ENTRY1  An entry from a guest saves into the running vCPU's own struct regs
;         (TSS.rsp0 and percpu.guest_regs_end point at its end), then C runs on
;         the CPU's empty stack.  Nothing returns along that path; guest_enter()
;         leaves.
; ENTRY2  An entry from the hypervisor saves the same struct on the current
;         stack and returns by iretq.
; ENTRY3  #DB, NMI, #DF and #MC come on stacks of their own and do not trust GS:
;         the word above their stack's top is the percpu pointer.  #DB is among
;         them because a guest can make it arrive on the first instruction of a
;         syscall, with the guest's stack pointer and GS still live (mov ss;
;         syscall).
; ENTRY4  The iretq to a guest is done from the CPU's stack, not from struct
;         regs: its fault pushes a frame, which must not overwrite what it
;         failed to load.
; ENTRY5  A guest may set its GS base to any canonical value by itself (FSGSBASE),
;         so GS base never tells where an entry came from.  The saved CS does: an
;         entry from ring 3 swaps GS, one from ring 0 does not.

%include "asm_offsets.inc"

default rel
bits 64

extern trap_from_guest, trap_from_hv, trap_ist, guest_syscall, guest_sysenter
extern guest_iret_failed

; Offsets on an entry stack before the registers are pushed.
%define FRAME_VECTOR	4
%define FRAME_RIP	8
%define FRAME_CS	16

; Room for stac or clac, filled where there is SMAP (patch.c).
%macro AC_PATCH 1
%%site:
	db 0x0f, 0x1f, 0x00
	[section .smap_patch progbits alloc noexec nowrite]
	dd %%site - $
	dd %1
	__?SECT?__
%endmacro
%define PATCH_CLAC	0xca010f
%define PATCH_STAC	0xcb010f

; The order of struct regs.  The cleared registers keep a guest's values out of
; what is speculated here, and end the chain of frame pointers.
%macro PUSH_REGS 0
	push rdi
	push rsi
	push rdx
	push rcx
	push rax
	push r8
	push r9
	push r10
	push r11
	push rbx
	push rbp
	push r12
	push r13
	push r14
	push r15
	xor esi, esi
	xor edx, edx
	xor ecx, ecx
	xor r8d, r8d
	xor r9d, r9d
	xor r10d, r10d
	xor r11d, r11d
	xor ebx, ebx
	xor ebp, ebp
	xor r12d, r12d
	xor r13d, r13d
	xor r14d, r14d
	xor r15d, r15d
%endmacro

; Back, and drop the vector and error code.
%macro POP_REGS 0
	pop r15
	pop r14
	pop r13
	pop r12
	pop rbp
	pop rbx
	pop r11
	pop r10
	pop r9
	pop r8
	pop rax
	pop rcx
	pop rdx
	pop rsi
	pop rdi
	add rsp, 8
%endmacro

; All but rcx, r11, rdi and rsp, from the struct at rdi.
%macro LOAD_MOST_REGS 0
	mov r15, [rdi + REGS_R15]
	mov r14, [rdi + REGS_R14]
	mov r13, [rdi + REGS_R13]
	mov r12, [rdi + REGS_R12]
	mov rbp, [rdi + REGS_RBP]
	mov rbx, [rdi + REGS_RBX]
	mov r10, [rdi + REGS_R10]
	mov r9, [rdi + REGS_R9]
	mov r8, [rdi + REGS_R8]
	mov rax, [rdi + REGS_RAX]
	mov rdx, [rdi + REGS_RDX]
	mov rsi, [rdi + REGS_RSI]
%endmacro

section .text

; --- one stub for each IDT vector ---
; The CPU pushes an error code for 8, 10-14, 17, 21, 29 and 30 only.
%assign vec 0
%rep 256
align 16
trap_stub_ %+ vec:
%if vec = 8 || (vec >= 10 && vec <= 14) || vec = 17 || vec = 21 || vec = 29 || vec = 30
	mov dword [rsp + FRAME_VECTOR], vec
%else
	push 0
	mov dword [rsp + FRAME_VECTOR], vec
%endif
%if vec = VEC_DB
	jmp entry_db
%elif vec = 2 || vec = 8 || vec = 18
	jmp entry_ist
%else
	jmp entry_trap
%endif
%assign vec vec + 1
%endrep

align 16
entry_trap:
	test byte [rsp + FRAME_CS], 3
	jz entry_from_hv
	swapgs
entry_from_guest:
	lfence				; no speculation with the other GS
	PUSH_REGS
	AC_PATCH PATCH_CLAC
	cld
	mov rdi, rsp
	mov rsp, [gs:CPU_STACK_TOP]
	call trap_from_guest
	ud2

entry_from_hv:
	lfence
	push rax
	lea rax, [guest_iretq]
	cmp rax, [rsp + 8 + FRAME_RIP]
	pop rax
	je iret_failed
	PUSH_REGS
	AC_PATCH PATCH_CLAC
	cld
	mov rdi, rsp
	mov rbp, [rsp + REGS_RBP]	; for stack traces
	push rbp			; 22 words: the stack is aligned for C
	call trap_from_hv
	add rsp, 8
	POP_REGS
	iretq

; GS and the registers are the guest's, and still stand in its struct regs too.
; New is only the exception that iretq raised.
iret_failed:
	swapgs
	mov edi, [rsp + FRAME_VECTOR]
	mov esi, [rsp]			; error code
	AC_PATCH PATCH_CLAC
	cld
	xor ebp, ebp
	mov rsp, [gs:CPU_STACK_TOP]
	call guest_iret_failed
	ud2

; #DB from a guest is an ordinary trap: move its frame to where those go.
entry_db:
	test byte [rsp + FRAME_CS], 3
	jz entry_ist
	swapgs
	lfence
	push rdi
	mov rdi, rsp
	mov rsp, [gs:CPU_GUEST_REGS_END]
	push qword [rdi + 48]		; ss
	push qword [rdi + 40]		; rsp
	push qword [rdi + 32]		; rflags
	push qword [rdi + 24]		; cs
	push qword [rdi + 16]		; rip
	push qword [rdi + 8]		; vector and error code
	mov rdi, [rdi]
	jmp entry_from_guest

entry_ist:
	PUSH_REGS
	AC_PATCH PATCH_CLAC
	cld
	mov ecx, MSR_GS_BASE
	rdmsr
	mov r12d, eax
	mov r13d, edx
	mov eax, [rsp + REGS_BYTES]	; ENTRY3
	mov edx, [rsp + REGS_BYTES + 4]
	wrmsr
	mov rdi, rsp
	sub rsp, 8
	call trap_ist
	add rsp, 8
	mov ecx, MSR_GS_BASE
	mov eax, r12d
	mov edx, r13d
	wrmsr
	POP_REGS
	iretq

; --- syscall ---
; The CPU has put rip in rcx and rflags in r11, and nothing on any stack.
%macro SYSCALL_FRAME 2			; code selector, vector
	swapgs
	mov [gs:CPU_SCRATCH_RSP], rsp
	mov rsp, [gs:CPU_GUEST_REGS_END]
	push SEL_USER_DS
	push qword [gs:CPU_SCRATCH_RSP]
	push r11
	push %1
	push rcx
	push 0
	mov dword [rsp + FRAME_VECTOR], %2
	PUSH_REGS
	mov rdi, rsp
	mov rsp, [gs:CPU_STACK_TOP]
%endmacro

align 16
global syscall_entry
syscall_entry:
	SYSCALL_FRAME SEL_USER_CS64, VEC_SYSCALL
	call guest_syscall
	ud2

; From compatibility mode, which only some processors allow.
align 16
global syscall_entry32
syscall_entry32:
	SYSCALL_FRAME SEL_USER_CS32, VEC_SYSCALL
	call guest_syscall
	ud2

; --- sysenter ---
; The other processors' way from compatibility mode.  It saves nothing: the guest's
; rip and rsp are lost, and shown as 0, the code selector as 3.  The flags are still
; the guest's: trap_ist() leaves TF on until they are saved, then all of them are
; cleared (with NT set an iretq would fail).
align 16
global sysenter_entry, sysenter_flags_saved
sysenter_entry:
	swapgs
	mov rsp, [gs:CPU_GUEST_REGS_END]
	push SEL_USER_DS
	push 0
	pushfq
sysenter_flags_saved:
	push RFLAGS_MBS
	popfq
	push 3
	push 0
	push 0
	mov dword [rsp + FRAME_VECTOR], VEC_SYSCALL
	PUSH_REGS
	mov rdi, rsp
	mov rsp, [gs:CPU_STACK_TOP]
	call guest_sysenter
	ud2

; --- the way out: guest_enter(regs) ---
align 16
global guest_enter
guest_enter:
	mov rcx, [rdi + REGS_RFLAGS]
	and ecx, RFLAGS_GUEST_MASK
	or ecx, RFLAGS_GUEST_SET
	mov [rdi + REGS_RFLAGS], rcx
	cmp dword [rdi + REGS_VECTOR], VEC_SYSCALL
	jne .iret

	; sysret only where it does what iretq would.
	cmp rcx, [rdi + REGS_R11]
	jne .iret
	test ecx, RFLAGS_NO_SYSRET
	jnz .iret
	cmp qword [rdi + REGS_CS], SEL_USER_CS64
	jne .iret
	cmp qword [rdi + REGS_SS], SEL_USER_DS
	jne .iret
	mov rdx, [rdi + REGS_RIP]
	cmp rdx, [rdi + REGS_RCX]
	jne .iret
	mov rax, rdx			; canonical, else sysret faults here
	shl rax, 16
	sar rax, 16
	cmp rax, rdx
	jne .iret

	LOAD_MOST_REGS
	mov r11, rcx
	mov rcx, [rdi + REGS_RCX]
	mov rsp, [rdi + REGS_RSP]
	mov rdi, [rdi + REGS_RDI]
	swapgs
	o64 sysret

.iret:
	mov rsp, [gs:CPU_STACK_TOP]
	push qword [rdi + REGS_SS]
	push qword [rdi + REGS_RSP]
	push rcx
	mov rax, [rdi + REGS_CS]
	or eax, 3			; ring 3, whatever stands there
	push rax
	push qword [rdi + REGS_RIP]
	LOAD_MOST_REGS
	mov rcx, [rdi + REGS_RCX]
	mov r11, [rdi + REGS_R11]
	mov rdi, [rdi + REGS_RDI]
	swapgs
guest_iretq:
	iretq

; --- small things ---
align 16
global stack_reset_call
stack_reset_call:
	mov rsp, [gs:CPU_STACK_TOP]
	xor ebp, ebp
	call rdi
	ud2

global cpu_idle_wait
cpu_idle_wait:
	sti				; takes effect after the next instruction
	hlt
	cli
	ret

; --- copies with a guest (guestcopy.c) ---
; A fault at one of the marked instructions goes on at its second address.
%macro EXTABLE 2
	[section .extable progbits alloc noexec nowrite]
	dd %1 - $
	dd %2 - $
	__?SECT?__
%endmacro

section .guestcopy.text progbits alloc exec nowrite align=16

; size_t guestcopy_move(void *dst, const void *src, size_t bytes): bytes not moved
global guestcopy_move
guestcopy_move:
	AC_PATCH PATCH_STAC
	mov rcx, rdx
	shr rcx, 3
	and edx, 7
.words:	rep movsq
	mov rcx, rdx
	jz .done			; by the AND
.bytes:	rep movsb
.done:	AC_PATCH PATCH_CLAC
	mov rax, rcx
	ret
; A fault in the words: go on bytewise, up to the very byte that faults.
.redo:	lea rcx, [rcx * 8 + rdx]
	jmp .bytes
	EXTABLE .words, .redo
	EXTABLE .bytes, .done

; size_t guestcopy_word(void *dst, uint64_t word): bytes not moved, none or all
global guestcopy_word
guestcopy_word:
	AC_PATCH PATCH_STAC
	xor eax, eax
.store:	mov [rdi], rsi
.done:	AC_PATCH PATCH_CLAC
	ret
.fault:	mov eax, 8
	jmp .done
	EXTABLE .store, .fault

; size_t guestcopy_clear(void *dst, size_t bytes): bytes not cleared
global guestcopy_clear
guestcopy_clear:
	AC_PATCH PATCH_STAC
	xor eax, eax
	mov rcx, rsi
	shr rcx, 3
	and esi, 7
.words:	rep stosq
	mov rcx, rsi
.bytes:	rep stosb
.done:	AC_PATCH PATCH_CLAC
	mov rax, rcx
	ret
.redo:	lea rcx, [rcx * 8 + rsi]
	jmp .bytes
	EXTABLE .words, .redo
	EXTABLE .bytes, .done

; --- addresses of the stubs, for idt.c ---
section .rodata align=8
global trap_stubs
trap_stubs:
%assign vec 0
%rep 256
	dq trap_stub_ %+ vec
%assign vec vec + 1
%endrep
