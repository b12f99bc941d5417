/*
 * Any bytes as a configuration file: no crash, no leak, an error always has a text, and what is
 * accepted reads the same again from its own dump. The first byte picks an allocation to fail.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/config.h"

#define MAX_BYTES 16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lg_config cfg, again;
    static const struct lg_config_source none;
    struct lg_err err = {0};
    struct lg_buf out;
    struct lg_str text;
    int rc;

    if (size < 1 || size > MAX_BYTES)
        return 0;
    text = lg_str_of((const char *)lg_memdup(data + 1, size - 1), size - 1);
    if (data[0] != 0)
        (void)lg_mem_fail_from(data[0]);
    rc = lg_config_load_text(text, "fuzz", &none, &cfg, &err);
    (void)lg_mem_fail_from(0);
    if (rc < 0 && err.text[0] == '\0')
        abort();
    if (rc == 0) {
        lg_buf_init(&out, 1 << 20);
        for (size_t i = 0; i < lg_config_option_count(); i++)
            lg_config_option_value(&cfg, i, &out);
        lg_buf_clear(&out);
        cfg.notifications.webhook_secret[0] = '\0'; /* masked in the dump */
        cfg.notifications.webhook_url[0] = '\0';
        lg_config_show(&cfg, &out);
        if (out.failed != 0 ||
                lg_config_load_text(lg_buf_str(&out), "again", &none, &again, &err) < 0 ||
                memcmp(&cfg, &again, offsetof(struct lg_config, notifications)) != 0)
            abort();
        lg_buf_done(&out);
    }
    lg_free((void *)(uintptr_t)text.p);
    return 0;
}
