; SPDX-License-Identifier: MIT
; 32-bit program without libc: writes and exits by int 0x80 only
BITS 32
global _start
section .text
_start: mov eax,4
 mov ebx,1
 mov ecx,msg
 mov edx,len
 int 0x80
 mov eax,1
 xor ebx,ebx
 int 0x80
section .data
msg: db "int80 OK",10
len equ $-msg
