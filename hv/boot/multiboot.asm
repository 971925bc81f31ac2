; SPDX-License-Identifier: MIT
;
; From the boot loader (multiboot 1 or 2: 32-bit, paging off) to C in long mode.
;
; The boot tables map the first 4 GiB with 2 MiB pages three times: at 0 (for
; this code and the AP trampoline), at IMAGE_VIRT and at DIRECTMAP_VIRT.
; boot/paging.c replaces them; boot_l4 stays for processors that start later.
;
; The GDT has its entries at selector 0xe000 from the first instruction on, like
; every GDT of the hypervisor: its base lies 14 pages before them.

%include "asm_offsets.inc"

MB_MAGIC	equ 0x1badb002
MB_FLAGS	equ 3			; modules on page boundaries, memory map
MB_LOADER_MAGIC	equ 0x2badb002
MB2_MAGIC	equ 0xe85250d6
MB2_I386	equ 0
MB2_LOADER_MAGIC equ 0x36d76289
MB2_END		equ 0
MB2_WANT	equ 1			; tags that we read
MB2_PAGES	equ 6			; modules on page boundaries

CR0_VALUE	equ 0x80010023		; PG WP NE MP PE
CR4_VALUE	equ 0x20		; PAE
EFER_LME	equ 1 << 8
PDE_LARGE	equ 0x83		; P RW PSE
PDE_TABLE	equ 3			; P RW
COM1		equ 0x3f8

section .boot.header progbits alloc noexec nowrite align=8
	dd MB_MAGIC, MB_FLAGS, -(MB_MAGIC + MB_FLAGS)
align 8, db 0
mb2:	dd MB2_MAGIC, MB2_I386, mb2_end - mb2
	dd (-(MB2_MAGIC + MB2_I386 + (mb2_end - mb2))) & 0xffffffff
	dw MB2_WANT, 0
	dd 12, 6			; the memory map
align 8, db 0
	dw MB2_PAGES, 0
	dd 8
	dw MB2_END, 0
	dd 8
mb2_end:

section .boot.bss nobits alloc noexec write align=4096
boot_l4:	resb 4096
boot_l3:	resb 4096
boot_l2:	resb 4 * 4096
boot_loader:	resd 1			; which multiboot: its magic number

section .boot.data progbits alloc noexec write align=16
boot_gdt:				; shown at selector 0xe000
	dq 0
	dq 0x00af9b000000ffff		; SEL_HV_CS
	dq 0x00cf93000000ffff		; SEL_HV_DS
boot_gdt_end:
boot_gdtr:
	dw GDT_HV_BASE + boot_gdt_end - boot_gdt - 1
	dd boot_gdt - GDT_HV_BASE
; What every 64-bit processor has and a virtual one may lack: bit of edx of leaf 1,
; message.  Asked before a bit of CR0, CR4 or a page table relies on it.
%define NEED_NAME 12
%macro need 2
%%at:	dd 1 << %1
	db %2, 10
	times 4 + NEED_NAME - ($ - %%at) db 0
%endmacro
needs:
	need 0, "FPU"
	need 3, "PSE"
	need 4, "TSC"
	need 5, "MSRs"
	need 6, "PAE"
	need 8, "cmpxchg8b"
	need 9, "APIC"
	need 15, "cmov"
	need 23, "MMX"
	need 24, "fxsave"
	need 25, "SSE"
	need 26, "SSE2"
needs_end:
lacks:
	db "pasture: this processor has no ", 0
no_syscall:
	db "pasture: this processor has no syscall", 10, 0
no_long_mode:
	db "pasture: this processor has no 64-bit mode", 10, 0
no_multiboot:
	db "pasture: not started by a multiboot loader", 10, 0

section .boot.text progbits alloc exec nowrite align=16
bits 32
global boot_entry
boot_entry:
	cli
	cld
	mov esp, boot_l4 + 4096		; for calls; a table later
	mov ebp, ebx			; multiboot information
	mov [boot_loader], eax
	mov esi, no_multiboot
	cmp eax, MB_LOADER_MAGIC
	je .loaded
	cmp eax, MB2_LOADER_MAGIC
	jne boot_failed

.loaded:
	mov esi, no_long_mode
	mov eax, 0x80000000
	cpuid
	cmp eax, 0x80000001
	jb boot_failed
	mov eax, 0x80000001
	cpuid
	test edx, 1 << 29
	jz boot_failed
	mov esi, no_syscall
	test edx, 1 << 11
	jz boot_failed
	mov eax, 1
	cpuid
	mov edi, needs
.need:	test [edi], edx
	jz boot_lacks
	add edi, 4 + NEED_NAME
	cmp edi, needs_end
	jb .need

	; 4 tables of 512 pages of 2 MiB.
	mov edi, boot_l2
	mov eax, PDE_LARGE
	mov ecx, 4 * 512
.fill:	mov [edi], eax
	mov dword [edi + 4], 0
	add eax, 2 << 20
	add edi, 8
	loop .fill

	mov edi, boot_l3
	mov eax, boot_l2 + PDE_TABLE
	mov ecx, 4
.link:	mov [edi], eax
	add eax, 4096
	add edi, 8
	loop .link

	mov eax, boot_l3 + PDE_TABLE
	mov [boot_l4], eax
	mov [boot_l4 + 261 * 8], eax	; IMAGE_VIRT
	mov [boot_l4 + 262 * 8], eax	; DIRECTMAP_VIRT

	mov eax, CR4_VALUE
	mov cr4, eax
	mov eax, boot_l4
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	or eax, EFER_LME
	wrmsr
	mov eax, CR0_VALUE
	mov cr0, eax
	lgdt [boot_gdtr]
	jmp SEL_HV_CS:boot_long

; edi: what is missing.
boot_lacks:
	mov esi, lacks
	call boot_say
	lea esi, [edi + 4]
; esi: message.  Nothing works yet but a serial line as the firmware left it.
boot_failed:
	call boot_say
.stop:	hlt
	jmp .stop

boot_say:
	mov dx, COM1
.next:	lodsb
	test al, al
	jz .done
	out dx, al
	jmp .next
.done:	ret

bits 64
boot_long:
	mov eax, SEL_HV_DS
	mov ds, eax
	mov es, eax
	mov ss, eax
	xor eax, eax
	mov fs, eax
	mov gs, eax
	mov esi, [boot_loader]		; the low map is still there
	mov rax, boot_high
	jmp rax

default rel
section .text
boot_high:
	lea rsp, [boot_stack_top]
	mov edi, ebp
	xor ebp, ebp
	extern main_bsp
	call main_bsp
	ud2

section .bss align=16
	resb 16384
boot_stack_top:

; For boot code in C, and for the trampoline of the other processors.
section .rodata
global boot_l4_maddr, boot_gdt_maddr
boot_l4_maddr:	dq boot_l4
boot_gdt_maddr:	dq boot_gdt
