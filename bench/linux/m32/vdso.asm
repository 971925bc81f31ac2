; SPDX-License-Identifier: MIT
; 32-bit program: writes through the vdso (AT_SYSINFO): sysenter or syscall, as the CPU has it.
BITS 32
global _start
section .text
_start: mov esi,[esp]
 lea esi,[esp+esi*4+8]
.env: lodsd
 test eax,eax
 jnz .env
.aux: lodsd
 mov ebx,eax
 lodsd
 test ebx,ebx
 jz bad
 cmp ebx,32
 jne .aux
 mov edi,eax
 mov eax,4
 mov ebx,1
 mov ecx,msg
 mov edx,len
 call edi
bad: mov eax,1
 xor ebx,ebx
 int 0x80
section .data
msg: db "vsyscall32 OK",10
len equ $-msg
