# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# help.sh: what the verbs do.

help_all()
{
	cat <<-'EOF'
		Usage: lab [--debug-kernel] VERB [ARG]...

		  demo                   the whole story on this machine, start to end
		  check [TEST]...        every test, or these: unit tests here, lab tests in the nested host

		  bench [--quick]        the benchmarks; a table, and tests/lab/out/bench.json
		  hmm-tests [--times N]  the kernel's own HMM suite, unmodified, on vmirror
		  hmm-tests --compare N  its benchmark, on vmirror and on the kernel's own module
		  torture [--minutes N] [--seed S]
		                         everything at random, all at once; nothing may be lost

		  up                     build the tree; boot the nested host, or reuse it; install; start hmmd
		  down                   end the nested host
		  status                 is it up, which guests run
		  shell                  a shell in the nested host
		  exec -- CMD...         run CMD in the nested host, as root
		  push FILE... DIR       copy files into the nested host
		  pull FILE... DIR       copy files out of it

		  guest-start NAME [--mem MiB] [--vcpus N] [--qemu-arg ARG]... [--append "kernel args"]
		  guest-exec NAME -- CMD...
		  guest-push NAME FILE... DIR
		  guest-stop NAME...
		  guest-list

		  build                  build the tree, nothing more
		  tools -- CMD...        run CMD in the tools root, in a copy of the tree
		  clean                  drop all that is cached

		--debug-kernel: the nested host runs a kernel that checks itself: lockdep, KASAN, kmemleak, DEBUG_VM, fault injection.
		It is built from source, once (a quarter of an hour on two idle CPUs); with it all takes several times longer.

		Environment:
		  HMMD_LAB_CACHE         where roots and images are kept (default: $XDG_CACHE_HOME or ~/.cache)
		  HMMD_LAB_MIRROR        Debian mirror (default: this machine's own, or mmdebstrap's)
		  HMMD_LAB_WAIT          seconds to wait for another lab
		  HMMD_LAB_MEM           the nested host's memory in MiB (4096; 6144 with the debug kernel)
		  HMMD_LAB_CPUS          its CPUs (2)
		  HMMD_LAB_NODES         2: its memory is in two halves, as in a host with two sockets
		  HMMD_LAB_DEBUG_KERNEL  not empty: as --debug-kernel
		  HMMD_LAB_ACCEL         "tcg": do not use nested KVM even where it would work
		  HMMD_LAB_CMDLINE       more kernel arguments for it
		  HMMD_LAB_QEMU_ARGS     more QEMU arguments for it
	EOF
}

# help_verb [VERB]
help_verb()
{
	case ${1:-} in
	up) cat <<-'EOF'
		Usage: lab up
		Makes what is missing (packages, roots, image), builds the tree, boots the nested host unless it runs, installs the
		build in it, loads KVM and vmirror and starts hmmd. On a running nested host: the same with the tree as it is now.
		HMMD_LAB_MEM, _CPUS, _NODES, _CMDLINE, _QEMU_ARGS take effect at boot: 'lab down' first.
		EOF
		;;
	down) cat <<-'EOF'
		Usage: lab down
		Ends the nested host and everything in it. The logs stay in tests/lab/out/.
		EOF
		;;
	status) cat <<-'EOF'
		Usage: lab status
		Prints "up" or "down", and the guests that run.
		EOF
		;;
	exec | shell) cat <<-'EOF'
		Usage: lab exec -- CMD...
		       lab shell
		Runs exactly these words in the nested host, as root; for pipes and variables use: lab exec -- sh -c '...'
		stdin, stdout, stderr and the exit status are CMD's own (128+N where signal N killed it).
		EOF
		;;
	push | pull) cat <<-'EOF'
		Usage: lab push FILE... DIR     from here into DIR of the nested host
		       lab pull FILE... DIR     from the nested host into DIR here
		DIR is made where it is missing; directories are copied whole.
		EOF
		;;
	guest-*) cat <<-'EOF'
		Usage: lab guest-start NAME [--mem MiB] [--vcpus N] [--qemu-arg ARG]... [--append "kernel args"]
		       lab guest-exec NAME -- CMD...
		       lab guest-push NAME FILE... DIR
		       lab guest-stop NAME...
		       lab guest-list
		A guest is a VM in the nested host: QEMU, KVM, private anonymous RAM (256 MiB, one vCPU unless told), busybox inside, and
		the programs of tests/lab/guest/. guest-start returns when the guest answers. guest-exec may run several times at once;
		stdin, stdout, stderr and the exit status are CMD's own. In the nested host itself the same verbs are: labguest start,
		exec, push, stop, list.
		EOF
		;;
	build | tools) cat <<-'EOF'
		Usage: lab build
		       lab tools -- CMD...
		Both work on a copy of the tree, in a Debian root with all compilers and checkers; the checkout is not written to.
		HMMD_LAB_KERNEL and HMMD_LAB_KERNEL_OLD tell CMD the two kernel releases whose headers are there.
		EOF
		;;
	check) cat <<-'EOF'
		Usage: lab check [TEST]...
		Unit tests, then 'lab up', then each test of tests/lab/t/ in the nested host; or only the lab tests named (00-lab,
		or any part of a name). A kernel message that should not be there fails the test it came in.
		The last of them need a nested host of two nodes, which is booted for them and ended; HMMD_LAB_NODES=2 runs all in one such.
		Ends with "N passed, N failed, N skipped". Logs: tests/lab/out/.
		EOF
		;;
	demo) cat <<-'EOF'
		Usage: lab demo
		A tenant's memory moves into device memory and comes back, step by step, on this machine.
		EOF
		;;
	bench) cat <<-'EOF'
		Usage: lab bench [--quick]
		Times pages out and back beside what competes with them, attach, loops in a guest, and measures memory, all in one run
		on the nested host; prints a table of medians and ratios and writes every sample to tests/lab/out/bench.json.
		--quick: few rounds, no ten VMs: shows that the benchmark runs, its figures are worth little.
		docs/benchmarks.md tells how to read it. Nothing else should run on this machine meanwhile.
		EOF
		;;
	hmm-tests) cat <<-'EOF'
		Usage: lab hmm-tests [--times N] [--kernel] | --compare N
		Runs the kernel's own HMM test suite, built unmodified from Debian's package of the kernel's source, on vmirror (with
		--kernel: on the kernel's own test_hmm), and ends with the suite's line of totals.
		--compare: the suite's benchmark, N times on each in turn: medians and ratios, and a last line that says how many rows are
		slower. It fails if one is: if the median of its rounds' ratios is above 1 by more than they scatter (the distance of their
		quartiles, and at least 0.05).
		EOF
		;;
	torture) cat <<-'EOF'
		Usage: lab torture [--minutes N] [--seed S]
		Three guests and a process are moved out and back, detached, stopped and killed, hmmd is killed, pools are made anew,
		for N minutes (10); the guests look at their memory all the while. What comes next is the seed's doing, so the same
		seed does the same to each of them (one at random, and printed, where none is given); what meets what is not.
		Ends with a line of counts and the verdict; the exit status is 0 if nothing was lost, nothing is left, and no kernel
		complained. What was done, with times: tests/lab/out/torture/.
		EOF
		;;
	clean) cat <<-'EOF'
		Usage: lab clean
		Drops the cached roots, images and builds; the next run makes them again.
		EOF
		;;
	*) help_all ;;
	esac
}
