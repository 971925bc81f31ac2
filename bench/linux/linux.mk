# SPDX-License-Identifier: MIT
# Included by the top Makefile.  What Linux guests are made of, in build/linux, on
# demand: stock kernels out of Debian's packages, and initial RAM disks.
L := $(B)/linux
PKG := $(B)/packages

# What a module for an unpacked kernel is built with: the headers of that very kernel.
$(PKG)/headers-%/.done: .ci/headers.sh .ci/unpack.sh $(PKG)/linux-image-%/.done
	$(call say,GET,headers-$*)
	@.ci/headers.sh $(PKG)/linux-image-$* $(@D) && touch $@

$(PKG)/%/.done: .ci/unpack.sh
	$(call say,GET,$*)
	@.ci/unpack.sh $* $(@D) && touch $@

# linux-cloud.elf, linux-generic.elf: what the hypervisor is given; vmlinuz: what Debian's GRUB gives it.
$(L)/linux-cloud.elf: $(PKG)/linux-image-cloud-amd64/.done | $(B)/harness
	@mkdir -p $(@D)
	@$(B)/harness kernel $(PKG)/linux-image-cloud-amd64/boot/vmlinuz-* $@
$(L)/linux-generic.elf: $(PKG)/linux-image-amd64/.done | $(B)/harness
	@mkdir -p $(@D)
	@$(B)/harness kernel $(PKG)/linux-image-amd64/boot/vmlinuz-* $@
$(L)/vmlinuz: $(PKG)/linux-image-amd64/.done
	@mkdir -p $(@D)
	@cp $(PKG)/linux-image-amd64/boot/vmlinuz-* $@
$(L)/xen.elf: $(PKG)/xen-hypervisor-4.17-amd64/.done
	@mkdir -p $(@D)
	@gzip -dc $(PKG)/xen-hypervisor-4.17-amd64/boot/xen-4.17-amd64.gz > $@

$(L)/diskcheck: bench/linux/io/diskcheck.c
$(L)/memcheck $(L)/mappers $(L)/counted $(L)/area: $(L)/%: bench/linux/%.c
# With its symbols, and at addresses that no other program has.
$(L)/counted: PLACE := -no-pie -Wl,-Ttext-segment=0x10000000
$(L)/memcheck $(L)/mappers $(L)/counted $(L)/area $(L)/diskcheck: | $(B)/.deps
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -std=gnu11 -Os -static $(or $(PLACE),-s) -Wall -Wextra -Werror -D_GNU_SOURCE -o $@ $(filter %.c,$^)

BUSYBOX := $(PKG)/busybox-static
$(L)/SUMS: $(BUSYBOX)/.done $(L)/memcheck bench/linux/init
	@for f in bin/busybox:$(BUSYBOX)/bin/busybox bin/memcheck:$(L)/memcheck \
		data/init:bench/linux/init; do \
		sha256sum < $${f#*:} | sed "s|-|$${f%%:*}|"; done > $@
$(L)/base.gz: bench/linux/base.list $(L)/SUMS | $(B)/harness
	@$(B)/harness initramfs $@ $<

# Real files of this host, for guests with room for them.
$(L)/files.gz: bench/linux/more.sh | $(B)/harness
	@sh $< $(L)/more
	@$(B)/harness initramfs $@ $(L)/more/list

# pasture.ko, built where its sources are copied to, as DKMS does it; without its symbols
# for the guests.
KO_SRC := $(wildcard guest-lib/linux/*.[ch] guest-lib/linux/include/*.h) guest-lib/linux/Kbuild \
	guest-lib/linux/dkms.conf
$(L)/ko-%/pasture.ko: $(KO_SRC) hv/abi/share.h $(PKG)/headers-%/.done
	$(call say,KO,$@)
	@rm -rf $(@D) && mkdir -p $(@D)
	@cp -r guest-lib/linux/. $(@D) && mkdir $(@D)/abi && cp hv/abi/share.h $(@D)/abi
	$(Q)$(MAKE) -s -C $(PKG)/headers-$*/usr/src/linux-headers-*[0-9]-$* M=$(abspath $(@D)) modules \
		> $(@D)/log 2>&1 || { cat $(@D)/log; exit 1; }
$(L)/pasture-%.ko: $(L)/ko-%/pasture.ko
	@strip --strip-debug -o $@ $<

.PRECIOUS: $(PKG)/headers-%/.done $(L)/ko-%/pasture.ko $(L)/pasture-%.ko $(L)/share-%.list

# The RAM disk that brings it, and what tests it there.
$(L)/share-%.list: bench/linux/share.list $(PKG)/linux-image-%/.done
	@mkdir -p $(@D)
	@sed 's|@KO@|$(L)/pasture-$*.ko|' $< > $@
	@echo "file /lib/brd.ko $$(find $(PKG)/linux-image-$*/lib/modules -name brd.ko) 644" >> $@
$(L)/share-%.gz: $(L)/share-%.list $(L)/pasture-%.ko $(L)/mappers $(L)/counted $(L)/area \
		bench/linux/share.sh | $(B)/harness
	@$(B)/harness initramfs $@ $<

# stress-ng, the libraries that it is linked with, and where Debian has them.
STRESS_PKGS := stress-ng libc6 libegl1 libgles2 libglvnd0 libipsec-mb1 libjudydebian1 \
	libapparmor1 libbsd0 libmd0 libcrypt1 libgbm1 libdrm2 libwayland-server0 libexpat1 \
	libffi8 libjpeg62-turbo libkmod2 libzstd1 liblzma5 libssl3 libsctp1 libxxhash0 zlib1g
$(L)/stress.gz: bench/linux/needed.sh $(STRESS_PKGS:%=$(PKG)/%/.done) | $(B)/harness
	@bash $< $(PKG)/stress-ng/usr/bin/stress-ng $(STRESS_PKGS:%=$(PKG)/%) > $(L)/stress.list
	@$(B)/harness initramfs $@ $(L)/stress.list

# 32-bit programs without a libc.
$(L)/int80 $(L)/vdso $(L)/ports: $(L)/%: bench/linux/m32/%.asm | $(B)/.deps
	@mkdir -p $(@D)
	@nasm -f elf32 $< -o $@.o && ld -m elf_i386 -o $@ $@.o
$(L)/m32.gz: bench/linux/m32/list bench/linux/m32/init $(L)/int80 $(L)/vdso $(L)/ports $(BUSYBOX)/.done | $(B)/harness
	@$(B)/harness initramfs $@ $<

# For plain QEMU guests that report their free pages.
VIRTIO_MODULES := virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_balloon
$(L)/virtio.gz: $(PKG)/linux-image-cloud-amd64/.done | $(B)/harness
	@mkdir -p $(@D)
	@printf 'dir /lib/modules\n' > $(L)/virtio.list
	@for m in $(VIRTIO_MODULES); do echo "file /lib/modules/$$m.ko \
		$$(find $(PKG)/linux-image-cloud-amd64/lib/modules -name $$m.ko) 644" >> $(L)/virtio.list; done
	@$(B)/harness initramfs $@ $(L)/virtio.list

# What the boot tests need.
LINUX_BOOT := $(L)/m32.gz $(L)/share-cloud-amd64.gz $(L)/linux-cloud.elf $(L)/base.gz $(L)/files.gz $(L)/grub.elf \
	$(L)/linux-generic.elf $(L)/vmlinuz $(L)/dom0.gz $(L)/dom0-cloud.gz $(L)/dom0-io.gz $(L)/dom0-pci.gz $(L)/disk.img

# GRUB for Xen as a kernel of its own: kernel and initial RAM disk in its memory disk.
# GRUB knows no lz4, so it gets the kernel unpacked, with gzip around.
$(L)/grub.elf: bench/linux/grub.cfg $(PKG)/grub-xen-bin/.done $(L)/linux-cloud.elf $(L)/base.gz
	@gzip -n1c $(L)/linux-cloud.elf > $(L)/grub-kernel.gz
	@grub-mkstandalone -O x86_64-xen -d $(PKG)/grub-xen-bin/usr/lib/grub/x86_64-xen -o $@ \
		--locales= --fonts= --themes= "boot/grub/grub.cfg=$<" \
		"vmlinux=$(L)/grub-kernel.gz" "initrd.gz=$(L)/base.gz"

# GRUB alone: its prompt.
$(L)/grub-prompt.elf: $(PKG)/grub-xen-bin/.done
	@mkdir -p $(@D)
	@grub-mkstandalone -O x86_64-xen -d $(PKG)/grub-xen-bin/usr/lib/grub/x86_64-xen -o $@ \
		--locales= --fonts= --themes= --install-modules="normal echo halt memdisk tar"

# Linux as the first domain, with Debian's Xen tools and the libraries that they need.
XEN_TOOLS := $(PKG)/xen-utils-4.17/usr/lib/xen-4.17/bin
XEN_PROGRAMS := $(addprefix $(XEN_TOOLS)/,xl xenstored xenconsoled xen-init-dom0) \
	$(addprefix $(PKG)/xenstore-utils/usr/bin/,xenstore-read xenstore-write) $(B)/pasturectl
XEN_PKGS := xen-utils-4.17 xen-utils-common xenstore-utils libxenmisc4.17 libxenstore4 libxentoolcore1 libxentoollog1 \
	libxenevtchn1 libxengnttab1 libxencall1 libxenforeignmemory1 libxendevicemodel1 libxenhypfs1 \
	libc6 libgcc-s1 libyajl2 libuuid1 liblzma5 libzstd1 zlib1g libjansson4
DOM0_MODULES := xen-privcmd xen-evtchn xen-gntdev xenfs
$(L)/dom0.gz: bench/linux/needed.sh bench/linux/dom0-init bench/linux/control.sh $(L)/base.gz \
		$(PKG)/linux-image-amd64/.done $(XEN_PKGS:%=$(PKG)/%/.done) $(B)/guest/canary.elf $(B)/pasturectl | $(B)/harness
	@bash $< "$(XEN_PROGRAMS)" $(XEN_PKGS:%=$(PKG)/%) > $(L)/dom0.list
	@echo "file /lib/libgcc_s.so.1 $$(find $(PKG)/libgcc-s1 -name libgcc_s.so.1)" >> $(L)/dom0.list
	@printf '%s\n' 'dir /lib/modules' 'file /init bench/linux/dom0-init' \
		'file /lib/control.sh bench/linux/control.sh 644' "file /guest.elf $(B)/guest/canary.elf" >> $(L)/dom0.list
	@printf 'dir /etc\ndir /etc/xen\nfile /etc/xen/xl.conf %s 644\nlink /bin/insmod busybox\n' \
		$(PKG)/xen-utils-common/etc/xen/xl.conf >> $(L)/dom0.list
	@for m in $(DOM0_MODULES); do echo "file /lib/modules/$$m.ko \
		$$(find $(PKG)/linux-image-amd64/lib/modules -name $$m.ko)" >> $(L)/dom0.list; done
	@$(B)/harness initramfs $@.tools $(L)/dom0.list
	@cat $(L)/base.gz $@.tools > $@

# The same, with a guest for it: Debian's cloud kernel, as it is packed, base.gz, and
# what makes it share.
$(L)/dom0-cloud.gz: $(L)/dom0.gz $(L)/base.gz $(L)/share-cloud-amd64.gz \
		$(PKG)/linux-image-cloud-amd64/.done | $(B)/harness
	@printf 'file /cloud %s\nfile /cloud.gz %s\nfile /share.gz %s\n' $(PKG)/linux-image-cloud-amd64/boot/vmlinuz-* \
		$(L)/base.gz $(L)/share-cloud-amd64.gz > $(L)/dom0-cloud.list
	@$(B)/harness initramfs $@.guest $(L)/dom0-cloud.list
	@cat $(L)/dom0.gz $@.guest > $@

# The same, with back ends of disks and networks, the scripts of Debian's Xen packages
# that xl runs for them, what these need, and front ends for the guest.
BACK_MODULES := loop xen-blkback xen-netback llc stp bridge crc16 mbcache jbd2 ext4 crc32c_generic
FRONT_MODULES := xen-blkfront xen-netfront
SCRIPT_PROGRAMS := $(PKG)/bsdutils/usr/bin/script $(addprefix $(XEN_TOOLS)/,xenconsole xentop) \
	$(addprefix $(PKG)/,bash/bin/bash util-linux/usr/bin/flock \
	$(addprefix xenstore-utils/usr/bin/xenstore-,list ls rm))
SCRIPT_PKGS := $(XEN_PKGS) bsdutils bash libncurses6 libtinfo6 util-linux xenstore-utils
$(L)/io.gz: bench/linux/io/guest.list bench/linux/io/guest.sh bench/linux/io/poweroff $(L)/diskcheck \
		$(PKG)/linux-image-cloud-amd64/.done | $(B)/harness
	@cp $< $(L)/io.list
	@for m in $(FRONT_MODULES); do echo "file /lib/$$m.ko \
		$$(find $(PKG)/linux-image-cloud-amd64/lib/modules -name $$m.ko) 644"; done >> $(L)/io.list
	@$(B)/harness initramfs $@ $(L)/io.list
$(L)/dom0-io.gz: $(L)/dom0-cloud.gz $(L)/io.gz $(B)/guest/dom0-disk.elf bench/linux/io/dom0.sh bench/linux/io/steer.sh \
		bench/linux/needed.sh \
		$(SCRIPT_PKGS:%=$(PKG)/%/.done) | $(B)/harness
	@bash bench/linux/needed.sh "$(SCRIPT_PROGRAMS)" $(SCRIPT_PKGS:%=$(PKG)/%) > $(L)/dom0-io.list
	@printf '%s\n' 'dir /mnt' 'dir /etc/xen/scripts' 'file /lib/io.sh bench/linux/io/dom0.sh 644' \
		'file /lib/steer.sh bench/linux/io/steer.sh 644' 'dir /usr' 'dir /usr/lib' 'dir /usr/lib/xen-4.17' \
		'dir /usr/lib/xen-4.17/bin' \
		'link /usr/lib/xen-4.17/bin/xenconsole /bin/xenconsole' >> $(L)/dom0-io.list
	@printf 'file /io.gz %s\nfile /hostile.elf %s\n' $(L)/io.gz $(B)/guest/dom0-disk.elf >> $(L)/dom0-io.list
	@for f in $(PKG)/xen-utils-common/etc/xen/scripts/*; do echo "file /etc/xen/scripts/$${f##*/} $$f"; done >> $(L)/dom0-io.list
	@for m in $(BACK_MODULES); do echo "file /lib/modules/$$m.ko \
		$$(find $(PKG)/linux-image-amd64/lib/modules -name $$m.ko) 644"; done >> $(L)/dom0-io.list
	@$(B)/harness initramfs $@.io $(L)/dom0-io.list
	@cat $(L)/dom0-cloud.gz $@.io > $@

# Devices of the first domain: a disk with files and their sums, a file that QEMU's
# network serves, and the tools above with drivers in place of guests.
$(L)/disk.img $(L)/served/served: $(L)/.served
$(L)/.served: bench/linux/linux.mk
	@rm -rf $(L)/disk $(L)/served && mkdir -p $(L)/disk $(L)/served
	@head -c 3000000 /dev/urandom > $(L)/disk/data1; head -c 77777 /dev/urandom > $(L)/disk/data2
	@seq 1 30000 > $(L)/disk/data3; head -c 300000 /dev/urandom > $(L)/served/served
	@cd $(L)/disk && sha256sum data1 data2 data3 > SUMS
	@sha256sum < $(L)/served/served > $(L)/served.sum
	@rm -f $(L)/disk.img && mke2fs -q -t ext4 -d $(L)/disk $(L)/disk.img 24M
	@touch $@

DEVICE_MODULES := crc16 mbcache jbd2 crc32c_generic ext4 virtio_ring virtio virtio_pci_legacy_dev \
	virtio_pci_modern_dev virtio_pci virtio_blk failover net_failover virtio_net crct10dif_common \
	crc-t10dif crc64 crc64-rocksoft t10-pi nvme-core nvme scsi_common scsi_mod sd_mod libata libahci \
	ahci usb-common usbcore xhci-hcd xhci-pci usb-storage e1000e
$(L)/dom0-pci.gz: $(L)/dom0.gz $(L)/.served bench/linux/devices.sh $(PKG)/linux-image-amd64/.done | $(B)/harness
	@printf '%s\n' 'dir /mnt' 'file /lib/devices.sh bench/linux/devices.sh 644' \
		'file /served.sum $(L)/served.sum 644' > $(L)/dom0-pci.list
	@for m in $(DEVICE_MODULES); do echo "file /lib/modules/$$m.ko \
		$$(find $(PKG)/linux-image-amd64/lib/modules -name $$m.ko) 644" >> $(L)/dom0-pci.list; done
	@$(B)/harness initramfs $@.devices $(L)/dom0-pci.list
	@cat $(L)/dom0.gz $@.devices > $@
