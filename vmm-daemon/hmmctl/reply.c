// SPDX-License-Identifier: LGPL-2.1-or-later
#include "hmmctl.h"

#include <math.h>
#include <string.h>

gboolean reply_malformed(GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list args;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(error, HMMCTL_ERROR, HMMCTL_ERROR_UNREACHABLE,
		    "hmmd sent what hmmctl does not understand: %s "
		    "(are hmmd and hmmctl of the same release?)",
		    what);
	return FALSE;
}

/* The member @key if it has the right type, else NULL. */
static json_object *member(json_object *object, const char *key, enum json_type type,
			   const char *type_name, GError **error)
{
	json_object *value;

	if (json_object_is_type(object, json_type_object) &&
	    json_object_object_get_ex(object, key, &value) && json_object_is_type(value, type))
		return value;
	reply_malformed(error, "'%s' is missing or is no %s", key, type_name);
	return NULL;
}

gboolean reply_u64(json_object *object, const char *key, guint64 *value, GError **error)
{
	json_object *number = member(object, key, json_type_int, "number", error);

	if (!number)
		return FALSE;
	/* A number above INT64_MAX reads as INT64_MAX: no byte count and no address is so large. */
	if (json_object_get_int64(number) < 0)
		return reply_malformed(error, "'%s' is negative", key);
	*value = (guint64)json_object_get_int64(number);
	return TRUE;
}

gboolean reply_any_u64(json_object *object, const char *key, guint64 *value, GError **error)
{
	guint64 checked;

	if (!reply_u64(object, key, &checked, error))
		return FALSE;
	*value = json_object_get_uint64(json_object_object_get(object, key));
	return TRUE;
}

gboolean reply_double(json_object *object, const char *key, double *value, GError **error)
{
	json_object *number;
	double read;

	/* A whole number is as good. */
	if (json_object_is_type(object, json_type_object) &&
	    json_object_object_get_ex(object, key, &number) &&
	    json_object_is_type(number, json_type_int))
		;
	else
		number = member(object, key, json_type_double, "number", error);
	if (!number)
		return FALSE;
	read = json_object_get_double(number);
	if (!isfinite(read) || read < 0)
		return reply_malformed(error, "'%s' is negative or not finite", key);
	*value = read;
	return TRUE;
}

gboolean reply_bool(json_object *object, const char *key, gboolean *value, GError **error)
{
	json_object *boolean = member(object, key, json_type_boolean, "true or false", error);

	if (!boolean)
		return FALSE;
	*value = json_object_get_boolean(boolean) ? TRUE : FALSE;
	return TRUE;
}

gboolean reply_string(json_object *object, const char *key, const char **value, GError **error)
{
	json_object *string = member(object, key, json_type_string, "string", error);

	if (!string)
		return FALSE;
	if (strlen(json_object_get_string(string)) != (size_t)json_object_get_string_len(string))
		return reply_malformed(error, "'%s' has a NUL inside", key);
	*value = json_object_get_string(string);
	return TRUE;
}

gboolean reply_string_or_null(json_object *object, const char *key, const char **value,
			      GError **error)
{
	json_object *string;

	if (json_object_is_type(object, json_type_object) &&
	    (!json_object_object_get_ex(object, key, &string) || !string)) {
		*value = NULL;
		return TRUE;
	}
	return reply_string(object, key, value, error);
}

gboolean reply_object(json_object *object, const char *key, json_object **value, GError **error)
{
	json_object *found = member(object, key, json_type_object, "object", error);

	if (!found)
		return FALSE;
	*value = found;
	return TRUE;
}

gboolean reply_array(json_object *object, const char *key, json_object **value, GError **error)
{
	json_object *found = member(object, key, json_type_array, "array", error);

	if (!found)
		return FALSE;
	*value = found;
	return TRUE;
}
