# SPDX-License-Identifier: MIT
# Included by the top Makefile.  `make host`: Debian as the first domain, from a disk, and guests of the same
# Debian; what it is made of is in build/host-image.
HI := $(B)/host-image
host: $(call unless_list,$(HV) $(B)/harness $(HI)/host.gz)
host: ## Debian as first domain, a shell in it, `xl create` (T=xen on Xen; CMD='...')
	@bash bench/linux/host/run.sh
.PHONY: host
export CMD SSH_PORT

$(HI)/debian.img: bench/linux/host/image.sh bench/linux/host/packages $(PKG)/linux-image-amd64/.done
	@bash $< $@ $(PKG)/linux-image-amd64

$(HI)/managers.img: bench/linux/host/packages.managers $(HI)/debian.img
	@bash bench/linux/host/image.sh $@ $(PKG)/linux-image-amd64 $<

HOST_MODULES := crc16 mbcache jbd2 crc32c_generic ext4 virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev \
	virtio_pci virtio_blk failover net_failover virtio_net
# $(1) list, $(2) kernel, $(3) modules in their order: the list of a RAM disk
define host_list
	@printf '%s\n' $(3) > $(HI)/$(1).order
	@{ cat bench/linux/host/ramdisk.list bench/linux/host/$(1).list; \
		echo "file /lib/order $(HI)/$(1).order 644"; \
		for m in $(3); do \
			echo "file /lib/$$m.ko $$(find $(PKG)/$(2)/lib/modules -name $$m.ko) 644"; done; } > $(HI)/$(1).all
endef
HOST_RAMDISK := bench/host.mk bench/linux/host/ramdisk.list bench/linux/host/init bench/linux/host/inittab \
	$(BUSYBOX)/.done $(HI)/debian.img $(B)/linux/linux-generic.elf
$(HI)/guest.gz: $(HOST_RAMDISK) bench/linux/host/guest.list bench/linux/host/interfaces.guest bench/linux/host/load.sh \
		$(L)/pasture-cloud-amd64.ko $(PKG)/linux-image-cloud-amd64/.done | $(B)/harness
	$(call host_list,guest,linux-image-cloud-amd64,$(FRONT_MODULES))
	@$(B)/harness initramfs $@ $(HI)/guest.all
$(HI)/host.gz: $(HOST_RAMDISK) $(HI)/guest.gz $(B)/guest/canary.elf $(B)/guest/dom0-disk.elf \
		$(wildcard bench/linux/host/*) | $(B)/harness
	$(call host_list,host,linux-image-amd64,$(HOST_MODULES))
	@echo "file /overlay/boot/guest/vmlinuz $$(echo $(PKG)/linux-image-cloud-amd64/boot/vmlinuz-*) 644" >> $(HI)/host.all
	@$(B)/harness initramfs $@ $(HI)/host.all
