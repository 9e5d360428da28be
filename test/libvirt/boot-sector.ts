/**
 * A guest of 86 bytes: echoes what it reads on its serial port, prints `tick 0` … `tick 9` about twice a
 * second, and switches itself off (ACPI S5) when it reads a `q`. Boots under emulation in a fraction of a second.
 * @module
 */

const program = [
  '31c0', //          00 xor ax,ax
  '8ed8', //          02 mov ds,ax
  'fb', //            04 sti               the BIOS timer interrupt keeps counting
  'b130', //          05 mov cl,'0'
  '8b1e6c04', //      07 mov bx,[046c]     BIOS tick counter, 18.2 a second
  'bafd03', //   loop:0b mov dx,03fd       line status register of COM1
  'ec', //            0e in al,dx
  'a801', //          0f test al,1         a character waits?
  '7412', //          11 jz tick
  'baf803', //        13 mov dx,03f8       data register of COM1
  'ec', //            16 in al,dx
  'ee', //            17 out dx,al         echo it
  '3c71', //          18 cmp al,'q'
  '75ef', //          1a jne loop
  'ba0406', //        1c mov dx,0604       PM1a control register, where SeaBIOS puts it
  'b80020', //        1f mov ax,2000       SLP_EN, sleep type 0: off
  'ef', //            22 out dx,ax
  'ebe6', //          23 jmp loop
  'f4', //       tick:25 hlt               until the next timer tick
  'a16c04', //        26 mov ax,[046c]
  '29d8', //          29 sub ax,bx
  '3d0900', //        2b cmp ax,9
  '72db', //          2e jb loop
  '01c3', //          30 add bx,ax
  'be517c', //        32 mov si,text
  'ac', //      print:35 lodsb
  '84c0', //          36 test al,al
  '7406', //          38 jz digit
  'baf803', //        3a mov dx,03f8
  'ee', //            3d out dx,al
  'ebf5', //          3e jmp print
  '88c8', //    digit:40 mov al,cl
  'ee', //            42 out dx,al
  'b00a', //          43 mov al,0a
  'ee', //            45 out dx,al
  'fec1', //          46 inc cl
  '80f93a', //        48 cmp cl,'9'+1
  '75be', //          4b jne loop
  'b130', //          4d mov cl,'0'
  'ebba', //          4f jmp loop
  '7469636b2000', //text:51 "tick ",0
].join('');

/** A raw disk image of 1 MiB (SeaBIOS boots no disk smaller than a cylinder) with the guest in its first sector. */
export function bootDisk(): Uint8Array {
  const disk = new Uint8Array(1_048_576);
  disk.set(Buffer.from(program, 'hex'));
  disk.set([0x55, 0xaa], 510);
  return disk;
}
