; SPDX-License-Identifier: MIT
;
; Where an application processor starts: in real mode, in a page below 1 MiB that
; smp.c has filled with a copy of this code and of its words at the end.

%include "asm_offsets.inc"

AP_CR0	equ 0x80010023		; PG WP NE MP PE
AP_CR4	equ 0x20		; PAE

section .rodata align=16
bits 16
global ap_trampoline, ap_trampoline_end
global ap_trampoline_words
%define AT(x) ((x) - ap_trampoline)
ap_trampoline:
	cli
	cld
	mov ax, cs
	mov ds, ax
	o32 lgdt [AT(ap_gdtr)]
	mov eax, AP_CR4
	mov cr4, eax
	mov eax, [AT(ap_cr3)]
	mov cr3, eax
	mov ecx, MSR_EFER
	mov eax, [AT(ap_efer)]
	xor edx, edx
	wrmsr
	mov eax, AP_CR0
	mov cr0, eax
	o32 jmp far [AT(ap_target)]

align 4
; struct trampoline_words of ap.c
ap_trampoline_words:
ap_cr3:		dd 0
ap_efer:	dd 0
ap_target:	dd ap_long
		dw SEL_HV_CS
ap_gdtr:	dw 0
		dd 0
ap_trampoline_end:

; Identity mapped by the boot tables.
section .boot.text
bits 64
ap_long:
	mov eax, SEL_HV_DS
	mov ss, eax
	mov rax, ap_high
	jmp rax

; In the boot tables; the stack is in the final ones only.
default rel
section .text
extern cpu_idle_cr3, ap_stack_top, ap_main, ap_calls
ap_high:
	mov eax, 1
	cpuid
	shr ebx, 24			; the APIC id
	lea rdx, [ap_calls]
	mov eax, AP_CALLED
	mov ecx, AP_CAME
	lock cmpxchg [rdx + rbx], cl	; smp.c, SMP1
	jne late
	mov rax, [cpu_idle_cr3]
	mov cr3, rax
	mov rsp, [ap_stack_top]
	xor ebp, ebp
	call ap_main
	ud2
late:	cli
	hlt
	jmp late
