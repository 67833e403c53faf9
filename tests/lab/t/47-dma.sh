#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limit: 360
#
# A real PCI device reads and writes a VM's memory by DMA, and cannot once the host has taken the page away.

. "$(dirname "$0")/lib.sh"

PATIENCE=$(patience)
export PATIENCE		# vmirror-test's time limits
without_hmmd
modprobe vfio-pci
vmirror-test dma
guest_start one --mem 192 --vcpus 2
guest one memfill start data --mib 96 --huge --seed 4
vmirror-test dma-guest "$(guest_pid one)" "timeout 60 labguest exec one -- memfill verify data </dev/null >/dev/null"
