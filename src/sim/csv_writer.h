/* A simulated run as files: the data, its labels and what is known of it. */
#ifndef SIM_CSV_WRITER_H
#define SIM_CSV_WRITER_H

#include "sim.h"

struct sim_csv {
    const char *path; /* DIR/STEM.csv; beside it come STEM.labels.csv and STEM.json            */
    bool no_labels_in_data; /* leave the last two columns (anomaly, fault) out of the data       */
    bool with_text; /* also write channels of SIM_TEXT and SIM_TIME                          */
    /* Called now and then with the part done (may be NULL); true stops with ANDON_ESTOP. */
    bool (*tell)(void *context, double part);
    void *context;
};

struct sim_csv_result {
    uint64_t rows, anomalous_rows;
    uint32_t events;
    char labels_path[4096], json_path[4096];
};

/* sim_csv_write runs sim to its end into three files:
 *   STEM.csv         timestamp, one column per numeric channel, operational_state, status (1 runs),
 *                    anomaly (0 or 1), fault (its name, empty when healthy)
 *   STEM.labels.csv  row, timestamp, anomaly, fault
 *   STEM.json        operational_events, anomaly_events, sensor_parameters, options
 * Each appears under its name only when all three are complete.
 * ANDON_EINVAL  an endless run; a path that is too long
 * ANDON_EIO     a file cannot be written (err names it)
 * ANDON_ENOMEM  more events than the limit */
ANDON_MUST_CHECK andon_status sim_csv_write(struct sim *sim, const struct sim_csv *how,
                                            struct sim_csv_result *result, andon_error *err);

#endif
