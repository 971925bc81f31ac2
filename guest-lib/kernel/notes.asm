; SPDX-License-Identifier: MIT
;
; What the builder reads from the image (<xen/elfnote.h>).  The address space
; starts at 0: virtual address = pfn << 12 for everything that the builder maps,
; and for the direct map that the library adds to it.
BITS 64

%define XEN_ELFNOTE_ENTRY		1
%define XEN_ELFNOTE_HYPERCALL_PAGE	2
%define XEN_ELFNOTE_VIRT_BASE		3
%define XEN_ELFNOTE_XEN_VERSION		5
%define XEN_ELFNOTE_GUEST_OS		6
%define XEN_ELFNOTE_GUEST_VERSION	7
%define XEN_ELFNOTE_LOADER		8
%define XEN_ELFNOTE_PAE_MODE		9
%define XEN_ELFNOTE_FEATURES		10

extern gl_entry, hypercall_page
global gl_notes

; type, then dq value
%macro note_number 2
	dd 4, 8, %1
	db "Xen", 0
	dq %2
%endmacro

; type, then string
%macro note_string 2
	dd 4, %%end - %%start, %1
	db "Xen", 0
%%start:
	db %2, 0
%%end:
	align 4, db 0
%endmacro

section .note.xen note alloc noexec nowrite align=4
gl_notes:
	note_string XEN_ELFNOTE_GUEST_OS, "pasture-guest"
	note_string XEN_ELFNOTE_GUEST_VERSION, "1"
	note_string XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
	note_string XEN_ELFNOTE_LOADER, "generic"
	note_string XEN_ELFNOTE_PAE_MODE, "yes"
	note_string XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"
	note_number XEN_ELFNOTE_VIRT_BASE, 0
	note_number XEN_ELFNOTE_ENTRY, gl_entry
	note_number XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page

section .note.GNU-stack noalloc noexec nowrite progbits
