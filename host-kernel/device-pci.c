// SPDX-License-Identifier: GPL-2.0-only
/*
 * device-pci.c - which PCI devices may reach guest memory
 *
 * Those whose driver is vmirror.  It has no list of ids: the host's operator gives it a device
 * by name, with driver_override.  As long as it has the device
 *
 *  - no other driver has it, and the kernel does not let VFIO have its IOMMU group;
 *  - its IOMMU domain stays what it is;
 *  - an unbind, or the device's removal, comes to us first: remove() returns when nothing of
 *    any guest can be reached any more.
 *
 * It is a driver for nothing else: userspace drives the device, through its sysfs resources.
 * The device may master the bus while a software device is tied to it.
 */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "device.h"

/**
 * struct vmirror_pci - a PCI device whose driver we are
 * @users: list of struct vmirror_dma that are tied to it
 * @vm: whose they are, all of them
 * @dma_bits: how wide its addresses are, as long as there are users
 */
struct vmirror_pci {
	struct list_head link;		/* bound */
	struct pci_dev *pdev;
	struct list_head users;
	struct vmirror_vm *vm;
	u32 dma_bits;
};

/* Who looks at a device in sysfs locks it for a moment. */
#define TIE_TRIES	100

static LIST_HEAD(bound);
static DEFINE_MUTEX(pci_lock);		/* protects the list and all that is in it */

struct device *vmirror_pci_device(struct vmirror_pci *pci)
{
	return &pci->pdev->dev;
}

static struct vmirror_pci *find(const struct vmirror_device_create *args)
{
	struct vmirror_pci *pci;

	lockdep_assert_held(&pci_lock);
	list_for_each_entry(pci, &bound, link)
		if (pci_domain_nr(pci->pdev->bus) == args->pci_segment &&
		    pci_dev_id(pci->pdev) == args->pci_id)
			return pci;
	return NULL;
}

/* It is not ours: is it there at all? */
static int why_not(const struct vmirror_device_create *args)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(args->pci_segment,
							   PCI_BUS_NUM(args->pci_id),
							   args->pci_id & 0xff);

	if (!pdev)
		return -ENODEV;
	pci_dev_put(pdev);
	return -EBUSY;
}

/* Where the device's addresses are physical ones nothing could be taken from it. */
static bool is_translated(struct device *dev)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);

	return domain && iommu_is_dma_domain(domain);
}

/*
 * Returns -EAGAIN if someone is at the device just now: we must not wait for that with pci_lock.
 *
 * The first user gets it as it is after a reset, if it can be reset: its engine must not go on with
 * what another VM's user has asked of it.
 */
static int take(struct vmirror_pci *pci, struct vmirror_vm *vm, u32 dma_bits)
{
	int ret = pci_try_reset_function(pci->pdev);

	if (ret == -EAGAIN)
		return ret;
	if (ret && ret != -ENOTTY)
		return -EBUSY;
	if (dma_set_mask_and_coherent(&pci->pdev->dev, DMA_BIT_MASK(dma_bits)))
		return -EINVAL;
	pci_set_master(pci->pdev);
	pci->vm = vm;
	pci->dma_bits = dma_bits;
	return 0;
}

/* One VM at a time: all users' addresses are in the same domain. */
static int tie(struct vmirror_dma *dma, struct vmirror_pci *pci, struct vmirror_vm *vm,
	       u32 dma_bits)
{
	int ret = 0;

	lockdep_assert_held(&pci_lock);
	if (!is_translated(&pci->pdev->dev))
		return -ENXIO;
	if (list_empty(&pci->users))
		ret = take(pci, vm, dma_bits);
	else if (pci->vm != vm || pci->dma_bits != dma_bits)
		ret = -EBUSY;
	if (ret)
		return ret;
	list_add(&dma->pci_link, &pci->users);
	dma->pci = pci;
	return 0;
}

/* With pci_lock. */
static void untie(struct vmirror_dma *dma, struct vmirror_pci *pci)
{
	vmirror_dma_end_all(dma);
	list_del(&dma->pci_link);
	if (list_empty(&pci->users))
		pci_clear_master(pci->pdev);
}

/**
 * vmirror_dma_open() - tie a software device to a PCI device
 * @device: the software device, which nobody knows of yet
 * @args: which PCI device, and how wide its addresses are
 *
 * Return: 0 or an error as VMIRROR_DEVICE_CREATE returns it
 */
int vmirror_dma_open(struct vmirror_device *device, const struct vmirror_device_create *args)
{
	struct vmirror_dma *dma = kzalloc(sizeof(*dma), GFP_KERNEL_ACCOUNT);
	struct vmirror_pci *pci;
	int ret;

	if (!dma)
		return -ENOMEM;
	mutex_init(&dma->lock);
	INIT_LIST_HEAD(&dma->regions);
	for (int tries = 0; tries < TIE_TRIES; tries++) {
		mutex_lock(&pci_lock);
		pci = find(args);
		ret = pci ? tie(dma, pci, device->vm, args->dma_bits) : why_not(args);
		mutex_unlock(&pci_lock);
		if (ret != -EAGAIN)
			break;
		msleep(10);
	}
	if (ret) {
		kfree(dma);
		return ret == -EAGAIN ? -EBUSY : ret;
	}
	down_write(&device->vm->slots_lock);
	list_add(&dma->vm_link, &device->vm->dmas);
	up_write(&device->vm->slots_lock);
	device->dma = dma;
	return 0;
}

void vmirror_dma_close(struct vmirror_device *device)
{
	struct vmirror_dma *dma = device->dma;

	if (!dma)
		return;
	down_write(&device->vm->slots_lock);
	list_del(&dma->vm_link);
	up_write(&device->vm->slots_lock);
	mutex_lock(&pci_lock);
	if (dma->pci)
		untie(dma, dma->pci);
	mutex_unlock(&pci_lock);
	kfree(dma);
}

static int probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct vmirror_pci *pci = kzalloc(sizeof(*pci), GFP_KERNEL);
	int ret;

	if (!pci)
		return -ENOMEM;
	INIT_LIST_HEAD(&pci->users);
	pci->pdev = pdev;
	ret = pci_enable_device(pdev);
	if (ret) {
		kfree(pci);
		return ret;
	}
	pci_set_drvdata(pdev, pci);
	mutex_lock(&pci_lock);
	list_add(&pci->link, &bound);
	mutex_unlock(&pci_lock);
	return 0;
}

static void remove(struct pci_dev *pdev)
{
	struct vmirror_pci *pci = pci_get_drvdata(pdev);
	struct vmirror_dma *dma, *next;

	pci_clear_master(pdev);
	mutex_lock(&pci_lock);
	list_del(&pci->link);
	list_for_each_entry_safe(dma, next, &pci->users, pci_link)
		untie(dma, pci);
	mutex_unlock(&pci_lock);
	pci_disable_device(pdev);
	kfree(pci);
}

static struct pci_driver driver = {
	.name = "vmirror",
	.probe = probe,
	.remove = remove,
};

int __init vmirror_pci_init(void)
{
	return pci_register_driver(&driver);
}

void vmirror_pci_exit(void)
{
	pci_unregister_driver(&driver);
}
