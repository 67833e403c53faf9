# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vm.sh: the nested host, a virtual machine whose QEMU comes from the tools root.
#
# $RUN holds vm.pid, vm.lock, the release of its kernel, ssh_config, the key, the ssh master's socket, QMP. QEMU holds vm.lock as long as it lives:
# that, and no pid that may be another's by now, says whether the nested host runs. It locks its root and image, too (prune_cache).

CONSOLE=$OUT/console.log

vm_alive() { [ -e "$RUN/vm.lock" ] && ! flock -n -s "$RUN/vm.lock" true; }
vm_pid() { cat "$RUN/vm.pid"; }
need_vm() { vm_alive || die "the nested host is not running: start it with 'lab up'"; }

# in_vm_root CMD...: where QEMU lives: its root and its mounts. VM_LIMIT: at most so many seconds, times PATIENCE.
in_vm_root()
{
	${VM_LIMIT:+timeout --foreground -k 5 $((VM_LIMIT * PATIENCE))} nsenter --target "$(vm_pid)" --mount --root -- "${CLEAN_ENV[@]}" "$@"
}

# vm_accel: sets ACCEL (QEMU's arguments), ACCEL_CMDLINE (the kernel's), ACCEL_NAME and CPUS. Decided by the CPU's flags: /dev/kvm may
# be there and useless.
#
# TCG gets one CPU more, the first, and no process runs there. Whatever CPU restores its FPU (FXRSTOR, XRSTOR) also clears a bit
# in the *first* CPU's env->hflags2, unlocked (cpu_clear_ignne() in QEMU 10.0). That may undo what a #VMEXIT has
# just cleared there, GIF or "nested paging": the nested host dies. Where no vCPU runs, that word never changes.
vm_accel()
{
	local vendor cpus=${HMMD_LAB_CPUS:-2}
	CPUS=$((cpus + 1))
	ACCEL=(-accel tcg,thread=multi -cpu "EPYC,svm=on,npt=on" -smp "$CPUS")
	ACCEL_CMDLINE="systemd.cpu_affinity=1-$cpus tsc=reliable"
	ACCEL_NAME="TCG, emulating AMD SVM"
	[ "${HMMD_LAB_ACCEL:-}" != tcg ] || return 0
	case " $(grep -m 1 '^flags' /proc/cpuinfo) " in
	*' svm '*) vendor=amd ;;
	*' vmx '*) vendor=intel ;;
	*) return 0 ;;
	esac
	[ -w /dev/kvm ] || return 0
	case $(cat "/sys/module/kvm_$vendor/parameters/nested" 2>/dev/null) in
	Y | 1)
		CPUS=$cpus
		ACCEL=(-accel kvm -cpu host -smp "$CPUS")
		ACCEL_CMDLINE=
		ACCEL_NAME="nested KVM (kvm_$vendor)" ;;
	esac
}

# vm_nodes MIB: sets NODES (QEMU's arguments): with HMMD_LAB_NODES=2 memory in two halves, as in a host with two sockets; the last CPU is
# the second one's.
vm_nodes()
{
	NODES=(-m "$1")
	[ "${HMMD_LAB_NODES:-1}" = 2 ] || return 0
	local half=$(($1 / 2)) second=''
	[ "$CPUS" -lt 2 ] || second=,cpus=$((CPUS - 1))
	NODES+=(-object "memory-backend-ram,id=node0,size=$(($1 - half))M" -object "memory-backend-ram,id=node1,size=${half}M"
		-numa "node,nodeid=0,memdev=node0,cpus=0-$((CPUS > 1 ? CPUS - 2 : 0))" -numa "node,nodeid=1,memdev=node1$second")
}

# qmp COMMAND...: QMP commands to the outer QEMU; prints the answers.
qmp()
{
	{ printf '{"execute":"qmp_capabilities"}\n'; printf '%s\n' "$@"; } |
		in_vm_root timeout 10 socat -t 1 - UNIX-CONNECT:/lab/run/qmp
}

vm_ssh_port()
{
	qmp '{"execute":"human-monitor-command","arguments":{"command-line":"info usernet"}}' |
		grep -o 'TCP\[HOST_FORWARD\] *[0-9]* *127.0.0.1 *[0-9]*' | awk '{ print $4 }'
}

vm_start()
{
	local args cmdline boot=$IMAGE
	[ -z "$DEBUG_KERNEL" ] || boot=$KERNEL_BOOT
	vm_accel
	vm_nodes $((${HMMD_LAB_MEM:-$DEFAULT_MEM} + 512))
	rm -rf "$RUN"
	mkdir -m 700 "$RUN"
	mkdir -p "$CACHE/scratch"
	ssh_prepare
	rm -f "$CONSOLE"
	: >"$CONSOLE"
	cmdline="console=ttyS0 root=/dev/vda rw quiet loglevel=5 log_buf_len=16M panic=-1 net.ifnames=0 mitigations=off"
	# For pools of coherent memory: 512 MiB at 1 GiB, beside what the nested host has.
	cmdline+=' memmap=512M$0x40000000'
	# The kernel moves memory from node to node where a test asks for it.
	cmdline+=" numa_balancing=disable"
	# An IOMMU, and a device with a DMA engine that is behind it. virtio goes past it.
	cmdline+=" intel_iommu=on"
	cmdline+=" systemd.show_status=no systemd.log_level=warning random.trust_cpu=on"
	cmdline+=" hmmd_lab.key=$(base64 -w0 <"$RUN/key.pub") $ACCEL_CMDLINE $KERNEL_CMDLINE ${HMMD_LAB_CMDLINE:-}"
	args=(-name hmmd-lab -M q35,usb=off,hpet=off,sata=off "${ACCEL[@]}" "${NODES[@]}"
		-device intel-iommu,intremap=off
		-nodefaults -no-user-config -display none -vga none -no-reboot
		-kernel /lab/boot/vmlinux -initrd /lab/boot/host.initramfs -append "$cmdline"
		-drive file=/lab/image/root.ext4,format=raw,if=none,id=root,snapshot=on -device virtio-blk-pci,drive=root
		-netdev user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net-pci,netdev=net,romfile=
		-device virtio-rng-pci -device edu,dma_mask=0xffffffff
		-chardev file,id=console,path=/lab/out/console.log -serial chardev:console
		-qmp unix:/lab/run/qmp,server=on,wait=off)
	read -ra extra <<<"${HMMD_LAB_QEMU_ARGS:-}"

	ON_EXIT[vm]=vm_stop     # until it is up
	local vm_lock tools_lock image_lock boot_lock
	exec {vm_lock}>>"$RUN/vm.lock" {tools_lock}<"$TOOLS" {image_lock}<"$IMAGE" {boot_lock}<"$boot"
	flock -n "$vm_lock" || die "the nested host is running already"
	flock -s "$tools_lock"
	flock -s "$image_lock"
	flock -s "$boot_lock"
	echo "$HOST_KERNEL" >"$RUN/kernel"
	echo "$IMAGE" >"$RUN/image"
	( no_locks setsid unshare --mount --propagation private "$LAB_DIR/lib/enter-root" "$TOOLS" \
		"$RUN:/lab/run" "$OUT:/lab/out" "$IMAGE:/lab/image:ro" "$boot:/lab/boot:ro" \
		"$CACHE/scratch:/lab/scratch" -- \
		"${CLEAN_ENV[@]}" TMPDIR=/lab/scratch qemu-system-x86_64 "${args[@]}" "${extra[@]}" \
	) >"$OUT/qemu.log" 2>&1 </dev/null &
	echo $! >"$RUN/vm.pid"
	exec {vm_lock}>&- {tools_lock}<&- {image_lock}<&- {boot_lock}<&-
	step "Booting the nested host ($ACCEL_NAME${DEBUG_KERNEL:+, debug kernel})" "$OUT/boot.log" vm_wait
	unset 'ON_EXIT[vm]'
}

vm_ready() { ! vm_alive || grep -q 'hmmd-lab: ssh is up' "$CONSOLE"; }

# vm_wait: until ssh answers; what it prints is the log of the boot.
vm_wait()
{
	if ! wait_for 180 vm_ready || ! vm_alive || ! ssh_connect; then
		cat "$OUT/qemu.log"
		tail -n 60 "$CONSOLE"
		echo "the nested host did not come up"
		return 1
	fi
	cat "$CONSOLE"
}

vm_stop()
{
	vm_alive || { rm -rf "$RUN"; return 0; }
	in_vm_root timeout 5 ssh -F /lab/run/ssh_config -O exit lab 2>/dev/null || true
	kill "$(vm_pid)" 2>/dev/null || true
	if ! wait_for 10 vm_gone; then
		kill -KILL "$(vm_pid)" 2>/dev/null || true
		wait_for 10 vm_gone || die "QEMU (process $(vm_pid)) does not end"
	fi
	rm -rf "$RUN"
}
vm_gone() { ! vm_alive; }

# The way in: ssh, through one connection that "up" opens and all others share (a handshake is slow on an emulated CPU).

ssh_prepare()
{
	in_root "$TOOLS" "$RUN:/lab/run" -- "${CLEAN_ENV[@]}" ssh-keygen -q -t ed25519 -N '' -C hmmd-lab -f /lab/run/key
}

ssh_connect()
{
	local port
	port=$(vm_ssh_port)
	[ -n "$port" ] || { echo "QEMU forwards no port"; return 1; }
	cat >"$RUN/ssh_config" <<-EOF
		Host lab
		HostName 127.0.0.1
		Port $port
		User root
		IdentityFile /lab/run/key
		IdentitiesOnly yes
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
		GlobalKnownHostsFile /dev/null
		LogLevel ERROR
		ControlPath /lab/run/ssh
		EscapeChar none
		ConnectTimeout 20
		ServerAliveInterval 30
		ServerAliveCountMax 10
	EOF
	wait_for 30 ssh_master
}
ssh_master() { ( no_locks setsid nsenter --target "$(vm_pid)" --mount --root -- "${CLEAN_ENV[@]}" \
	ssh -F /lab/run/ssh_config -M -N -f lab ) </dev/null >/dev/null; }

# vm_shell TEXT: TEXT for the nested host's shell; stdin, stdout, stderr and the exit status are its own.
vm_shell() { in_vm_root ssh -F /lab/run/ssh_config -T lab -- "$1"; }

# vm_exec CMD...: exactly these words, and no shell's built-ins. The subshell keeps "killed by signal N" as 128+N.
vm_exec() { vm_shell "(exec -- $(printf '%q ' "$@")); exit \$?"; }
