; SPDX-License-Identifier: MIT
; 32-bit program: ioperm(0x80, 1, 1), then that port; with an argument the next one, which kills it.
BITS 32
global _start
section .text
_start: mov eax,101
 mov ebx,0x80
 mov ecx,1
 mov edx,1
 int 0x80
 test eax,eax
 jnz bad
 mov edx,0x7f
 add edx,[esp]
 xor eax,eax
 out dx,al
 mov eax,4
 mov ebx,1
 mov ecx,msg
 mov edx,len
 int 0x80
 xor ebx,ebx
bad: mov eax,1
 int 0x80
section .data
msg: db "ioperm OK",10
len equ $-msg
