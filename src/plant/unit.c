/* One table of units by the words that end a name, one of quantities by the words anywhere in it. A
 * name is cut into small words first: at what is no letter or digit, and where small letters turn
 * to capitals. */
#include "plant/unit.h"

#include <stdint.h>

enum { WORDS_MAX = 16, WORD_ROOM = 32 };

struct words {
    uint32_t count;
    char word[WORDS_MAX][WORD_ROOM];
};

/* `words` at the end of a name, blanks between them. */
struct unit_row {
    const char *words, *symbol, *quantity;
};

static const struct unit_row units[] = {
    {"degc", "degC", "temperature"},
    {"deg c", "degC", "temperature"},
    {"celsius", "degC", "temperature"},
    {"degf", "degF", "temperature"},
    {"deg f", "degF", "temperature"},
    {"fahrenheit", "degF", "temperature"},
    {"kelvin", "K", "temperature"},
    {"mbar", "mbar", "pressure"},
    {"hpa", "hPa", "pressure"},
    {"kpa", "kPa", "pressure"},
    {"mpa", "MPa", "pressure"},
    {"bar", "bar", "pressure"},
    {"psi", "psi", "pressure"},
    {"pa", "Pa", "pressure"},
    {"mm s", "mm/s", "vibration"},
    {"mms", "mm/s", "vibration"},
    {"mmps", "mm/s", "vibration"},
    {"m s2", "m/s2", "acceleration"},
    {"m s", "m/s", "speed"},
    {"mps", "m/s", "speed"},
    {"m min", "m/min", "speed"},
    {"rpm", "1/min", "rotation"},
    {"hz", "Hz", "frequency"},
    {"khz", "kHz", "frequency"},
    {"ma", "mA", "current"},
    {"amp", "A", "current"},
    {"amps", "A", "current"},
    {"ampere", "A", "current"},
    {"amperes", "A", "current"},
    {"mv", "mV", "voltage"},
    {"kv", "kV", "voltage"},
    {"volt", "V", "voltage"},
    {"volts", "V", "voltage"},
    {"kwh", "kWh", "energy"},
    {"wh", "Wh", "energy"},
    {"kw", "kW", "power"},
    {"watt", "W", "power"},
    {"watts", "W", "power"},
    {"nm", "N m", "torque"},
    {"kn", "kN", "force"},
    {"m3 h", "m3/h", "flow"},
    {"m3h", "m3/h", "flow"},
    {"l min", "l/min", "flow"},
    {"lpm", "l/min", "flow"},
    {"l h", "l/h", "flow"},
    {"l s", "l/s", "flow"},
    {"gpm", "gal/min", "flow"},
    {"kg h", "kg/h", "flow"},
    {"m3", "m3", "volume"},
    {"liter", "l", "volume"},
    {"liters", "l", "volume"},
    {"litres", "l", "volume"},
    {"kg", "kg", "mass"},
    {"pct", "%", "ratio"},
    {"percent", "%", "ratio"},
    {"db", "dB", "sound"},
    {"dba", "dB(A)", "sound"},
    {"us cm", "uS/cm", "conductivity"},
    {"ms cm", "mS/cm", "conductivity"},
    {"ppm", "ppm", "concentration"},
    {"lux", "lx", "illuminance"},
    {"mm", "mm", "length"},
    {"cm", "cm", "length"},
    {"um", "um", "length"},
    {"ms", "ms", "time"},
};

/* Single letters mean a unit only behind the quantity that they measure: oil_temp_c, phase_1_v. */
static const struct unit_row letters[] = {
    {"c", "degC", "temperature"}, {"f", "degF", "temperature"}, {"k", "K", "temperature"},
    {"a", "A", "current"},        {"v", "V", "voltage"},        {"w", "W", "power"},
    {"g", "g", "acceleration"},   {"g", "g", "vibration"},      {"s", "s", "time"},
    {"h", "h", "time"},           {"l", "l", "volume"},         {"t", "t", "mass"},
};

/* What stands in brackets, spelled as people do. */
static const struct unit_row spelled[] = {
    {"\xc2\xb0"
     "C",
     "degC", "temperature"},
    {"\xc2\xb0"
     "F",
     "degF", "temperature"},
    {"C", "degC", "temperature"},
    {"F", "degF", "temperature"},
    {"K", "K", "temperature"},
    {"A", "A", "current"},
    {"V", "V", "voltage"},
    {"W", "W", "power"},
    {"MW", "MW", "power"},
    {"g", "g", "acceleration"},
    {"m/s\xc2\xb2", "m/s2", "acceleration"},
    {"Nm", "N m", "torque"},
    {"N", "N", "force"},
    {"m\xc2\xb3/h", "m3/h", "flow"},
    {"m\xc2\xb3", "m3", "volume"},
    {"l", "l", "volume"},
    {"t", "t", "mass"},
    {"%", "%", "ratio"},
    {"s", "s", "time"},
    {"min", "min", "time"},
    {"h", "h", "time"},
    {"\xc2\xb5S/cm", "uS/cm", "conductivity"},
    {"rpm", "1/min", "rotation"},
    {"1/min", "1/min", "rotation"},
};

/* The usual unit of a quantity whose name says nothing more. symbol NULL: there is no usual one. */
static const struct unit_row quantities[] = {
    {"temperature", "degC", "temperature"},
    {"temp", "degC", "temperature"},
    {"humidity", "%", "humidity"},
    {"hum", "%", "humidity"},
    {"pressure", "bar", "pressure"},
    {"acceleration", "g", "acceleration"},
    {"accel", "g", "acceleration"},
    {"vibration", "mm/s", "vibration"},
    {"vib", "mm/s", "vibration"},
    {"voltage", "V", "voltage"},
    {"frequency", "Hz", "frequency"},
    {"freq", "Hz", "frequency"},
    {"rpm", "1/min", "rotation"},
    {"torque", "N m", "torque"},
    {"power", NULL, "power"},
    {"energy", "kWh", "energy"},
    {"flow", NULL, "flow"},
    {"conductivity", "uS/cm", "conductivity"},
    {"sound", "dB", "sound"},
    {"noise", "dB", "sound"},
    {"duty", "%", "ratio"},
    {"dutycycle", "%", "ratio"},
    {"efficiency", "%", "ratio"},
    {"availability", "%", "ratio"},
    {"oee", "%", "ratio"},
    {"level", "%", "ratio"},
    {"speed", NULL, "speed"},
    {"weight", NULL, "mass"},
    {"volume", NULL, "volume"},
    {"time", NULL, "time"},
    {"downtime", NULL, "time"},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a word begins at i > 0: oilTemp, tempC, and HTTPFlow before the F. */
static bool turns(struct text name, uint32_t i)
{
    char before = name.at[i - 1], c = name.at[i];
    if (!is_capital(c)) return false;
    return is_small(before) || is_digit(before) ||
           (is_capital(before) && i + 1 < name.length && is_small(name.at[i + 1]));
}

/* Words too long, and words behind the last place, are dropped from the front: units stand at the
 * end. */
static void word_add(struct words *w, const char *word, uint32_t length)
{
    if (length == 0) return;
    if (w->count == WORDS_MAX) {
        memmove(w->word[0], w->word[1], sizeof w->word - sizeof w->word[0]);
        w->count--;
    }
    if (length >= WORD_ROOM) length = WORD_ROOM - 1;
    char *to = w->word[w->count++];
    for (uint32_t i = 0; i < length; i++)
        to[i] = is_capital(word[i]) ? (char)(word[i] - 'A' + 'a') : word[i];
    to[length] = 0;
}

/* Digits at a word's end are a number of the sensor: temp2. */
static size_t without_number(const char *word)
{
    size_t n = strlen(word);
    while (n > 0 && is_digit(word[n - 1])) n--;
    return n;
}

static void cut_words(struct text name, bool at_capitals, struct words *w)
{
    uint32_t from = 0;
    w->count = 0;
    for (uint32_t i = 0; i <= name.length; i++) {
        char c = i < name.length ? name.at[i] : 0;
        bool part = is_small(c) || is_capital(c) || is_digit(c);
        if (part && (i == from || !at_capitals || !turns(name, i))) continue;
        word_add(w, name.at + from, i - from);
        from = part ? i : i + 1;
    }
    /* A number at the end counts sensors: temp_c_2. */
    while (w->count > 0 && without_number(w->word[w->count - 1]) == 0) w->count--;
}

/* How many of the last words are those of text; 0: they are others. */
static uint32_t ends_with(const struct words *w, const char *text)
{
    uint32_t n = 1, used = w->count;
    for (const char *c = text; *c != 0; c++) n += *c == ' ';
    if (used < n) return 0;
    for (uint32_t i = used - n; i < used; i++) {
        size_t length = strcspn(text, " ");
        if (strlen(w->word[i]) != length || strncmp(w->word[i], text, length) != 0) return 0;
        text += length + (text[length] == ' ');
    }
    return n;
}

static const struct unit_row *unit_at_end(const struct words *w)
{
    const struct unit_row *best = NULL;
    uint32_t most = 0;
    for (size_t i = 0; i < COUNT(units); i++) {
        uint32_t n = ends_with(w, units[i].words);
        if (n > most) {
            most = n;
            best = &units[i];
        }
    }
    return best;
}

/* Long ones also at a word's end: oiltemperature. */
static const struct unit_row *quantity_named(const char *word)
{
    size_t n = without_number(word);
    for (size_t k = 0; k < COUNT(quantities); k++) {
        size_t m = strlen(quantities[k].words);
        bool end = n == m || (n > m && m >= 8);
        if (end && memcmp(word + n - m, quantities[k].words, m) == 0) return &quantities[k];
    }
    return NULL;
}

/* The row of the last word that is a quantity with a usual unit (sound_volume is sound), else of
 * the last that is one without. */
static const struct unit_row *quantity_of(const struct words *w)
{
    const struct unit_row *last = NULL;
    for (uint32_t i = w->count; i-- > 0;) {
        const struct unit_row *row = quantity_named(w->word[i]);
        if (row != NULL && row->symbol != NULL) return row;
        if (last == NULL) last = row;
    }
    return last;
}

/* What says nothing of the quantity behind "current", which is also an adjective. */
static bool is_index(const char *word)
{
    static const char *const index[] = {"rms", "avg", "mean", "max", "min", "l",    "a",
                                        "b",   "c",   "u",    "v",   "w",   "phase"};
    for (size_t i = 0; i < COUNT(index); i++) {
        size_t n = strlen(index[i]);
        if (strncmp(word, index[i], n) == 0 && strspn(word + n, "0123456789") == strlen(word + n))
            return true;
    }
    return strspn(word, "0123456789") == strlen(word);
}

static bool is_current(const struct words *w)
{
    uint32_t last = w->count;
    while (last > 0 && is_index(w->word[last - 1])) last--;
    return last > 0 && strcmp(w->word[last - 1], "current") == 0;
}

static struct unit certainly(const struct unit_row *row)
{
    return (struct unit){row->symbol, row->quantity, true};
}

/* "Flow [m3/h]", "temp (degC)": brackets hold a symbol or nothing of use. */
static bool in_brackets(struct text name, struct unit *unit)
{
    const char *open = name.length == 0 ? NULL : memrchr(name.at, '[', name.length);
    if (open == NULL && name.length > 0) open = memrchr(name.at, '(', name.length);
    if (open == NULL) return false;
    struct text inner = {open + 1, name.length - (uint32_t)(open + 1 - name.at)};
    while (inner.length > 0 && strchr(" ])", inner.at[inner.length - 1]) != NULL) inner.length--;
    while (inner.length > 0 && inner.at[0] == ' ') {
        inner.at++;
        inner.length--;
    }
    for (size_t i = 0; i < COUNT(spelled); i++)
        if (text_is(inner, text_of(spelled[i].words))) {
            *unit = certainly(&spelled[i]);
            return true;
        }
    struct words w;
    cut_words(inner, false, &w);
    for (size_t i = 0; i < COUNT(units); i++)
        if (ends_with(&w, units[i].words) == w.count && w.count > 0) {
            *unit = certainly(&units[i]);
            return true;
        }
    return false;
}

/* A letter behind the quantity that it measures: oil_temp_c; motor_current_a. */
static const struct unit_row *letter_of(struct words w)
{
    const char *letter = w.count < 2 ? "" : w.word[--w.count];
    if (letter[0] == 0 || letter[1] != 0) return NULL;
    const struct unit_row *row = quantity_of(&w);
    const char *quantity = is_current(&w) ? "current" : row != NULL ? row->quantity : "";
    for (size_t i = 0; i < COUNT(letters); i++)
        if (letters[i].words[0] == letter[0] && strcmp(letters[i].quantity, quantity) == 0)
            return &letters[i];
    return NULL;
}

static bool has_word(const struct words *w, const char *word)
{
    for (uint32_t i = 0; i < w->count; i++)
        if (strcmp(w->word[i], word) == 0) return true;
    return false;
}

struct unit unit_of_channel(struct text channel)
{
    struct unit unit = {NULL, NULL, false};
    struct words w;
    if (in_brackets(channel, &unit)) return unit;
    cut_words(channel, false, &w); /* kPa */
    const struct unit_row *row = unit_at_end(&w);
    cut_words(channel, true, &w);
    if (has_word(&w, "per")) return unit; /* a rate of something: cuts per minute */
    if (row == NULL) row = unit_at_end(&w);
    if (row == NULL) row = letter_of(w);
    if (row != NULL) return certainly(row);
    if (is_current(&w)) return (struct unit){"A", "current", false};
    row = quantity_of(&w);
    if (row == NULL || row->symbol == NULL) return unit;
    return (struct unit){row->symbol, row->quantity, false};
}

static bool table_has(const struct unit_row *table, size_t rows, struct text symbol)
{
    for (size_t i = 0; i < rows; i++)
        if (table[i].symbol != NULL && text_is(symbol, text_of(table[i].symbol))) return true;
    return false;
}

bool unit_known(struct text symbol)
{
    return table_has(units, COUNT(units), symbol) || table_has(letters, COUNT(letters), symbol) ||
           table_has(spelled, COUNT(spelled), symbol) ||
           table_has(quantities, COUNT(quantities), symbol);
}
