/* The writer of JSON is on the ground floor. */
#include "base/json.h"
