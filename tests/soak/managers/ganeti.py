#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""In the first domain: Ganeti's own xen-pvm driver lists, starts and stops an instance through the real xl."""
import os
import subprocess
import sys
import time

sys.path.insert(0, "/usr/share/ganeti/3.0")
from ganeti import constants, objects  # noqa: E402
from ganeti.hypervisor import hv_base, hv_xen  # noqa: E402


def until(seconds, what, done):
    """Waits until done() is true; what is not there ends the test."""
    end = time.time() + seconds
    while not done():
        if time.time() > end:
            sys.exit("ganeti: " + what)
        time.sleep(1)


def answers():
    return subprocess.call(["ssh", "10.0.3.21", "true"], stderr=subprocess.DEVNULL) == 0


hvparams = dict(constants.HVC_DEFAULTS[constants.HT_XEN_PVM])
hvparams[constants.HV_XEN_CMD] = "xl"
hvparams[constants.HV_KERNEL_PATH] = "/boot/guest/vmlinuz"
hvparams[constants.HV_INITRD_PATH] = "/boot/guest/ramdisk"
hvparams[constants.HV_ROOT_PATH] = ""
hvparams[constants.HV_BLOCKDEV_PREFIX] = "xvd"
hvparams[constants.HV_KERNEL_ARGS] = "console=hvc0 quiet disk=/dev/xvda host=g1 address=10.0.3.21"
nic = objects.NIC(mac="00:16:3e:00:00:31", ip=None, name=None, uuid="nic-1", netinfo=None,
                  nicparams={constants.NIC_MODE: constants.NIC_MODE_BRIDGED, constants.NIC_LINK: "xenbr0",
                             constants.NIC_VLAN: ""})
instance = objects.Instance(name="g1", hypervisor=constants.HT_XEN_PVM, hvparams=hvparams, nics=[nic], tags=set(),
                            beparams={constants.BE_MINMEM: 192, constants.BE_MAXMEM: 192, constants.BE_VCPUS: 1})
disk = objects.Disk(mode=constants.DISK_RDWR, dev_type=constants.DT_PLAIN, logical_id=("none", "none"))
disks = [(disk, "/dev/vdb", None)]
for folder in ("/var/lib/ganeti", "/var/run/ganeti"):
    os.makedirs(folder, exist_ok=True)
hv = hv_xen.XenPvmHypervisor(_cfgdir="/etc/xen")

wrong = hv.Verify(hvparams)
if wrong:
    sys.exit("ganeti: Verify: " + wrong)
node = hv.GetNodeInfo(hvparams)
if not node or node["memory_total"] <= node["memory_free"] or node["cpu_total"] < 1:
    sys.exit("ganeti: GetNodeInfo: %r" % node)
print("ganeti: Verify, GetNodeInfo: %(memory_total)d MiB, %(cpu_total)d CPUs" % node)
if hv.ListInstances(hvparams):
    sys.exit("ganeti: ListInstances: there are some before one was started")

hv.StartInstance(instance, disks, False)
info = hv.GetInstanceInfo("g1", hvparams)
if hv.ListInstances(hvparams) != ["g1"] or info is None or not hv_base.HvInstanceState.IsRunning(info[4]):
    sys.exit("ganeti: StartInstance: %r, %r" % (hv.ListInstances(hvparams), info))
until(600, "g1 does not answer", answers)
print("ganeti: ListInstances, GetInstanceInfo, StartInstance: %s, domain %s, %d MiB" % (info[0], info[1], info[2]))
hv.BalloonInstanceMemory(instance, 160)
until(60, "BalloonInstanceMemory", lambda: hv.GetInstanceInfo("g1", hvparams)[2] <= 161)
hv.RebootInstance(instance)
until(600, "g1 does not answer after RebootInstance", answers)
print("ganeti: BalloonInstanceMemory, RebootInstance: domain %s" % hv.GetInstanceInfo("g1", hvparams)[1])
hv.StopInstance(instance)
until(60, "StopInstance: it stays", lambda: hv.GetInstanceInfo("g1", hvparams) is None)
hv.StartInstance(instance, disks, True)
hv.StopInstance(instance, force=True)
until(60, "StopInstance by force: it stays", lambda: hv.GetInstanceInfo("g1", hvparams) is None)
print("ganeti: StopInstance, also by force, of one that was started paused")
