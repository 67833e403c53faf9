// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioctl.c - one way in for every ioctl
 *
 * Every argument starts with its own size.  What a longer userspace struct has beyond
 * ours must be zero; what a shorter one lacks is zero to us.
 */
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "private.h"

static const struct vmirror_ioctl *find(const struct vmirror_ioctl *table, size_t n,
					unsigned int cmd)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

long vmirror_ioctl_dispatch(struct file *file, unsigned int cmd, unsigned long user,
			    const struct vmirror_ioctl *table, size_t n)
{
	const struct vmirror_ioctl *op = find(table, n, cmd);
	u32 __user *uptr = (u32 __user *)user;
	void *arg __free(kfree) = NULL;
	u32 user_size;
	long ret;

	if (!op)
		return -ENOTTY;
	if (get_user(user_size, uptr))
		return -EFAULT;
	if (user_size < op->min_size)
		return -EINVAL;
	if (user_size > PAGE_SIZE)
		return -E2BIG;

	arg = kzalloc(op->size, GFP_KERNEL);
	if (!arg)
		return -ENOMEM;
	ret = copy_struct_from_user(arg, op->size, uptr, user_size);
	if (ret)
		return ret;

	ret = op->run(file, arg);
	/*
	 * Nothing was done.  Only who has a handler need know of a signal; and there may be none,
	 * but work to be done on the way out, as io_uring has it.
	 */
	if (ret == -EINTR)
		return -ERESTARTSYS;
	if (ret)
		return ret;
	*(u32 *)arg = user_size;
	if (copy_to_user(uptr, arg, min(user_size, op->size)))
		return -EFAULT;
	return 0;
}

/* A new fd for an object's file, whose reference it takes; or the error in its stead. */
long vmirror_give_fd(struct file *file)
{
	int fd;

	if (IS_ERR(file))
		return PTR_ERR(file);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file);
	else
		fd_install(fd, file);
	return fd;
}

int vmirror_check_range(u64 gpa, u64 length)
{
	u64 end;

	if (!length || !PAGE_ALIGNED(gpa) || !PAGE_ALIGNED(length))
		return -EINVAL;
	if (check_add_overflow(gpa, length, &end) || end > 1ULL << VMIRROR_GPA_BITS)
		return -EOVERFLOW;
	return 0;
}
