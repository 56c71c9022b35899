#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <ranges>
#include <string>
#include <vector>

namespace test_support {

/// One action of a random program, performed by all ranks of the step's group.
enum class action {
    barrier,
    broadcast,
    reduce,
    all_reduce,
    scan,
    exclusive_scan,
    gather,
    all_gather,
    concat,
    all_concat,
    scatter,
    all_to_all,
    split,
    permute,       // each rank sends to one rank and receives from one
    collect,       // the root receives from all others, in any order
    work,          // local, more for some ranks than for others
    await_started, // some of the rank's started operations, in an order of its own
    drop_started,  // one started collective of the rank is never awaited
    give_up,       // throws
    leave,         // returns
    wait_in_vain,  // receives a message that nobody sends
};

enum class value_type { integer, real, text, reals };

/// One step: an action, its values and its group.
struct step {
    action what = action::barrier;
    value_type type = value_type::integer;
    std::size_t group = 0; ///< number of the split that made the group; 0: all ranks
    /// Only the group of this colour, among those that the split made.
    std::optional<std::size_t> only_color;
    bool started = false;     ///< begun now, awaited by a later step
    std::size_t root = 0;     ///< modulo the group's size
    std::size_t elements = 0; ///< of `reals`, equal on all ranks
    std::size_t depth = 0;    ///< number of helper coroutines around the step
    std::size_t makes = 0;    ///< for split: the new group's number
    std::size_t number = 0;   ///< of the step; also the tag of its messages
    std::uint64_t seed = 0;
};

inline std::uint64_t mixed(std::uint64_t value) {
    // splitmix64, from https://prng.di.unimi.it/splitmix64.c
    value += 0x9e3779b97f4a7c15U;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}
inline std::uint64_t mixed(std::uint64_t a, std::uint64_t b) { return mixed(mixed(a) ^ b); }

/// Digest of the values a rank has seen; its own values derive from it.
struct memory {
    std::uint64_t digest = 0;
    double sum = 0;

    friend bool operator==(const memory& a, const memory& b) {
        return a.digest == b.digest &&
               std::bit_cast<std::uint64_t>(a.sum) == std::bit_cast<std::uint64_t>(b.sum);
    }

    void see(std::uint64_t value) { digest = mixed(digest, value); }
    void see(std::int64_t value) { see(static_cast<std::uint64_t>(value)); }
    void see(double value) {
        see(std::bit_cast<std::uint64_t>(value));
        sum = sum * 0.75 + value;
    }
    void see(const std::string& value) {
        see(static_cast<std::uint64_t>(value.size()));
        for (const char each : value) see(static_cast<std::uint64_t>(each));
    }
    /// Samples about 64 values of a long range.
    template <std::ranges::random_access_range Values>
    void see(const Values& values) {
        const auto size = static_cast<std::size_t>(std::ranges::size(values));
        see(static_cast<std::uint64_t>(size));
        for (std::size_t i = 0; i < size; i += size / 64 + 1) see(values[i]);
    }
    template <class T>
    void see(const std::optional<T>& value) {
        see(static_cast<std::uint64_t>(value.has_value()));
        if (value) see(*value);
    }
};

/// The value that a rank with memory `from` contributes at a step; another `use` yields another value.
template <class T>
T value_of(const memory& from, const step& current, std::uint64_t use = 0) {
    const std::uint64_t bits = mixed(from.digest ^ current.seed, use);
    if constexpr (std::same_as<T, std::int64_t>) {
        return static_cast<std::int64_t>(bits);
    } else if constexpr (std::same_as<T, double>) {
        // Values of very different magnitudes, so that the order of additions matters.
        return std::ldexp(static_cast<double>(bits >> 12), static_cast<int>(bits % 64) - 80);
    } else if constexpr (std::same_as<T, std::string>) {
        return std::string(bits % 24, static_cast<char>('a' + (bits >> 8) % 26)); // short and long strings
    } else {
        T values;
        for (std::uint64_t i = 0; i < current.elements; ++i)
            values.push_back(value_of<double>(from, current, use + i + 1));
        return values;
    }
}
/// As value_of(), with a length that differs from rank to rank.
inline std::vector<double> part_of(const memory& from, step current) {
    current.elements = from.digest % 4;
    return value_of<std::vector<double>>(from, current);
}

/// Neither commutative nor associative, so that the tree of a reduction matters. Vectors combine element by
/// element.
struct blend {
    std::int64_t operator()(std::int64_t a, std::int64_t b) const {
        return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) * 31 + static_cast<std::uint64_t>(b));
    }
    double operator()(double a, double b) const { return a * 0.5 + b; }
    std::string operator()(const std::string& a, const std::string& b) const { return a + b; }
};

/// Receiver of a rank's message at a permute step: shifted by the root, mirrored, or the neighbour in a pair.
inline std::size_t receiver_of(const step& current, std::size_t id, std::size_t size) {
    if (current.seed % 3 == 0) return (id + current.root) % size;
    if (current.seed % 3 == 1) return (current.root % size + size - id) % size;
    return (id ^ 1) < size ? id ^ 1 : id;
}
inline std::size_t sender_to(const step& current, std::size_t id, std::size_t size) {
    return current.seed % 3 == 0 ? (id + size - current.root % size) % size : receiver_of(current, id, size);
}

/// Colour of a rank of the pool at a split; a quarter of the ranks of some splits have none.
inline std::optional<std::size_t> color_at(const step& split, std::size_t rank) {
    const std::uint64_t bits = mixed(split.seed, rank);
    if (split.seed % 2 == 0 && bits % 4 == 0) return std::nullopt;
    return (bits >> 8) % (1 + split.seed % 4);
}
inline std::int64_t key_at(const step& split, std::size_t rank) {
    return static_cast<std::int64_t>(mixed(split.seed + 1, rank) % 8) - 4; // includes ties
}

/// Returns true if a member of the group of colour `color` takes part in a step.
inline bool takes_part(const step& current, std::optional<std::size_t> color) {
    return !current.only_color || current.only_color == color;
}

/// The started operations that a rank awaits at a step, in order, each as its position among those that
/// remain. At the program's end it awaits all.
inline std::vector<std::size_t> awaited_at(const step& current, std::size_t rank, std::size_t started) {
    std::mt19937_64 random(mixed(current.seed, rank));
    const std::size_t count = current.root == 0 ? started : random() % (started + 1);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < count; ++i) places.push_back(random() % (started - i));
    return places;
}

inline std::size_t work_at(const step& current, std::size_t rank) {
    const std::uint64_t bits = mixed(current.seed, rank);
    return bits % 8 == 0 ? 2000 + bits % 2000 : bits % 100;
}

enum class fault_kind {
    skips,
    has_another_root,
    calls_another,
    gives_another_type,
    gives_more_elements,
    throws,
    returns,
    waits_in_vain
};
inline constexpr std::size_t fault_kinds = 8;

/// A mistake of one rank at one step.
struct fault {
    fault_kind kind;
    std::size_t rank;
    std::size_t step;
};

/// An SPMD program as a list of steps, optionally with a fault.
struct random_program {
    std::uint64_t seed = 0;
    std::size_t ranks = 1;
    std::size_t groups = 1; ///< number of splits, plus one
    std::vector<step> steps;
    std::optional<fault> wrong;

    /// The steps of one rank, including its fault.
    std::vector<step> steps_of(std::size_t rank) const {
        if (!wrong || wrong->rank != rank) return steps;
        std::vector<step> mine = steps;
        const auto faulty = mine.begin() + static_cast<std::ptrdiff_t>(wrong->step);
        step extra = *faulty;
        extra.started = false;
        switch (wrong->kind) {
            case fault_kind::skips: mine.erase(faulty); break;
            case fault_kind::has_another_root: ++faulty->root; break;
            case fault_kind::calls_another:
                faulty->what = faulty->what == action::barrier ? action::all_gather : action::barrier;
                break;
            case fault_kind::gives_another_type:
                faulty->type = faulty->type == value_type::real ? value_type::integer : value_type::real;
                break;
            case fault_kind::gives_more_elements: ++faulty->elements; break;
            case fault_kind::throws:
                extra.what = action::give_up;
                mine.insert(faulty, extra);
                break;
            case fault_kind::returns:
                extra.what = action::leave;
                mine.insert(faulty, extra);
                break;
            case fault_kind::waits_in_vain:
                extra.what = action::wait_in_vain;
                mine.insert(faulty, extra);
                break;
        }
        return mine;
    }
};

namespace detail {

inline step random_step(std::mt19937_64& random, std::size_t ranks, std::size_t groups) {
    // all_to_all of many ranks, and texts that grow with their number, take too long.
    const bool many = ranks > 100;
    static constexpr action actions[] = {
        action::barrier,       action::barrier,      action::broadcast, action::reduce,
        action::all_reduce,    action::all_reduce,   action::scan,      action::exclusive_scan,
        action::gather,        action::all_gather,   action::concat,    action::all_concat,
        action::scatter,       action::split,        action::split,     action::permute,
        action::permute,       action::permute,      action::collect,   action::work,
        action::await_started, action::drop_started, action::all_to_all};
    step next;
    next.what = actions[random() % (std::size(actions) - (many ? 1 : 0))];
    next.type = static_cast<value_type>(random() % 4);
    if (many && next.type == value_type::text) next.type = value_type::real;
    next.group = random() % 2 == 0 ? 0 : random() % groups;
    if (next.group != 0 && random() % 4 == 0) next.only_color = random() % 2;
    next.started = next.what != action::split && random() % 3 == 0;
    next.root = 1 + random() % 1000;
    next.elements = random() % 4;
    next.depth = random() % 4 == 0 ? random() % 4 : 0;
    next.seed = random();
    return next;
}

} // namespace detail

/// The program of a seed, reproducible everywhere. Every tenth has more than 1,024 ranks.
inline random_program program_of(std::uint64_t seed) {
    std::mt19937_64 random(mixed(seed));
    random_program program;
    program.seed = seed;
    const bool many = seed % 10 == 9;
    program.ranks = many ? 1025 + random() % 1500 : 1 + random() % 40;
    const std::size_t length = many ? 10 + random() % 10 : 10 + random() % 50;
    for (std::size_t i = 0; i < length; ++i) {
        program.steps.push_back(detail::random_step(random, program.ranks, program.groups));
        step& current = program.steps.back();
        current.number = i;
        if (current.what == action::split) current.makes = program.groups++;
    }
    step last;
    last.what = action::await_started;
    last.number = length;
    program.steps.push_back(last);
    return program;
}

/// Returns true if a rank can have this fault at a step.
inline bool is_possible(fault_kind kind, const step& current) {
    const auto is_one_of = [&](std::initializer_list<action> some) {
        return std::ranges::find(some, current.what) != some.end();
    };
    const bool is_local = is_one_of({action::work, action::await_started, action::drop_started});
    const bool is_message = is_one_of({action::permute, action::collect});
    const bool is_untyped = is_one_of({action::barrier, action::split, action::concat, action::all_concat});
    switch (kind) {
        case fault_kind::skips: return !is_local;
        case fault_kind::has_another_root:
            return is_one_of(
                {action::broadcast, action::reduce, action::gather, action::concat, action::scatter});
        case fault_kind::calls_another: return !is_local && !is_message && current.what != action::split;
        case fault_kind::gives_another_type: return !is_local && !is_untyped;
        case fault_kind::gives_more_elements:
            return current.type == value_type::reals &&
                   is_one_of({action::reduce, action::all_reduce, action::scan, action::exclusive_scan});
        default: return true;
    }
}

/// A program of few ranks with one fault, at a step in which the faulty rank takes part.
inline random_program faulty_program_of(std::uint64_t seed, fault_kind kind) {
    random_program program = program_of(mixed(seed, static_cast<std::uint64_t>(kind)) / 10 * 10);
    std::mt19937_64 random(mixed(seed + 1));
    program.ranks = 2 + program.ranks % 23;
    for (;;) {
        const std::size_t place = random() % program.steps.size();
        step& chosen = program.steps[place];
        if (!is_possible(kind, chosen)) {
            // The program may have no such step: creates one.
            chosen.what = random() % 2 == 0 ? action::all_reduce : action::broadcast;
            chosen.type = value_type::reals;
            if (!is_possible(kind, chosen)) continue;
        }
        // Mostly all ranks take part.
        if (random() % 4 != 0) chosen.group = 0;
        if (chosen.group == 0) chosen.only_color.reset();
        program.wrong = fault{kind, random() % program.ranks, place};
        return program;
    }
}

} // namespace test_support
