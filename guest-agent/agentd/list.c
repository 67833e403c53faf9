// SPDX-License-Identifier: LGPL-2.1-or-later
#include "agentd.h"

void list_begin(struct list *head)
{
	head->next = head->prev = head;
}

void list_append(struct list *head, struct list *item)
{
	item->prev = head->prev;
	item->next = head;
	head->prev->next = item;
	head->prev = item;
}

void list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_begin(item);
}

bool list_empty(const struct list *head)
{
	return head->next == head;
}
