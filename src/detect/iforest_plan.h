/* Operations of one tree; see trees.h for what they mean. */
#ifndef DETECT_IFOREST_PLAN_H
#define DETECT_IFOREST_PLAN_H

#include <stdbool.h>

#include "detect/kernel/trees.h"

/* One tree in, working room beside it. */
struct iforest_planner {
    const uint64_t *node; /* node[nodes], left counting from base */
    uint32_t nodes, base;
    const uint8_t *rank; /* rank[inner nodes], of their thresholds in the group */

    uint32_t inners;
    uint32_t codes; /* distinct path lengths                    */
    uint32_t code_value[TREES_LEAVES];
    uint16_t code_of[2 * TREES_LEAVES]; /* hash of a path length -> code + 1       */
    uint16_t inner[2 * TREES_LEAVES];   /* the inner nodes, ascending               */
    uint8_t number[2 * TREES_LEAVES];   /* an inner node's number, a leaf's code    */
    uint8_t type[2 * TREES_LEAVES];     /* leaf, cherry or inner                    */
    uint8_t parent[2 * TREES_LEAVES];   /* number of the parent                     */
    uint8_t waits[TREES_LEAVES];        /* operations that an inner node waits for  */
    uint8_t slot[TREES_LEAVES];         /* where an inner node's result is          */
    uint8_t free[TREES_LEAVES];
    uint32_t frees, slots;
    uint32_t slots_max; /* of all trees so far                      */
};

/* iforest_plan_write writes the operations of the tree and its path lengths by code; gives the
 * number of runs.
 *   value  in   path length per node, below 2^24
 *   op     out  room for one operation per inner node
 *   run    out  the same
 *   plane  out  zeroed room for a plane per sixteen leaves; planner->codes are used */
uint32_t iforest_plan_write(struct iforest_planner *planner, const uint32_t *value,
                            struct trees_op *op, struct trees_run *run, trees_plane *plane);

#endif
