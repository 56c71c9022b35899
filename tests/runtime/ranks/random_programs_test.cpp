// Guards against every dependence on the schedule: collectives of groups and of groups within groups,
// messages and operations awaited later, mixed at random. On every launcher, each program must yield bit by
// bit the results of a plain sequential model, written here without the library; and each program with one
// fault must end, never hang, with the errors that the model predicts, in the same words everywhere.
#include "support/meeting.hpp"
#include "support/pools.hpp"
#include "support/random_program.hpp"

#include <spmd/spmd.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace test_support;

/// Ways in which a rank ends, through its own fault or another rank's.
enum class ending { value, gave_up, mismatch, peer_error, deadlock };
constexpr std::size_t endings = 5;

std::string text_of_giving_up(std::size_t rank) {
    std::string text = "rank ";
    text += std::to_string(rank);
    text += " gives up";
    return text;
}

using tag_type = int;
tag_type tag_of(const step& current) { return static_cast<tag_type>(current.number); }
/// The tag of messages that nobody sends.
constexpr tag_type tag_in_vain = 1'000'000;

bool is_collective(action what) { return what <= action::all_to_all; }

/// Calls body.operator()<T>() for the step's value type.
template <class Body>
decltype(auto) with_type(const step& current, Body&& body) {
    switch (current.type) {
        case value_type::integer: return body.template operator()<std::int64_t>();
        case value_type::real: return body.template operator()<double>();
        case value_type::text: return body.template operator()<std::string>();
        default: return body.template operator()<std::vector<double>>();
    }
}

/// A rank's contributions to scatter or all_to_all.
template <class T>
std::vector<T> values_for_all(const memory& from, const step& current, std::size_t size) {
    std::vector<T> values;
    for (std::size_t id = 0; id < size; ++id) values.push_back(value_of<T>(from, current, id));
    return values;
}
/// Digest of a message that arrives in any order among others.
template <class T>
std::uint64_t seen_of(std::size_t from, const T& value) {
    memory of_message{from, 0};
    of_message.see(value);
    return of_message.digest;
}

// ------------------------------------------------------------------------------------------------- the model

/// A group in the model: all ranks, or the result of a split.
struct model_group {
    std::vector<std::size_t> members; // ranks of the pool, by id
};

struct model_rank;

/// One collective, of any type.
class model_collective {
public:
    explicit model_collective(step first) : call(std::move(first)) {}
    virtual ~model_collective() = default;
    virtual void give(std::size_t id, const model_rank& giver, const step& mine) = 0;
    virtual void finish() = 0;
    virtual void take(std::size_t id, model_rank& taker) = 0;

    step call;
    std::size_t came = 0;
    bool is_broken = false;
    std::optional<std::pair<ending, std::size_t>> failure; // and the failed rank
};

struct model_message {
    std::size_t from = 0;
    int tag = 0;
    std::variant<std::int64_t, double, std::string, std::vector<double>> value;
};

struct model_receive {
    spmd::source from = spmd::any_source;
    int tag = spmd::any_tag;
    value_type type = value_type::integer;
    bool is_collected = false; // may arrive in any order
    std::optional<model_message> message;
};

/// A member's place in a group, and the colour it has from the split.
struct model_place {
    std::shared_ptr<model_group> group;
    std::size_t id = 0;
    std::optional<std::size_t> color;
};

/// A collective or a message that a rank waits for.
struct model_ticket {
    std::shared_ptr<model_collective> collective;
    std::shared_ptr<model_receive> receive;
    model_place place;
};

struct model_rank {
    std::size_t number = 0;
    std::vector<step> steps;
    memory seen;
    std::vector<model_place> places; // by group; null where the rank is not a member
    std::vector<model_ticket> started;
    std::size_t next = 0;
    std::deque<model_ticket> to_await; // before the next step
    std::uint64_t collected = 0;
    std::optional<ending> ended;
    std::size_t culprit = 0; // for peer_error
};

/// A collective on values of one type. Reductions combine as documented: leaves of 1,024 from the left.
template <class T>
class model_values final : public model_collective {
public:
    model_values(step first, std::size_t size)
        : model_collective(std::move(first)), given_(size), firsts_(size), lists_(size), parts_(size) {}

    void give(std::size_t id, const model_rank& giver, const step& mine) override {
        const memory& from = giver.seen;
        if (call.what == action::all_to_all || call.what == action::scatter)
            lists_[id] = values_for_all<T>(from, mine, given_.size());
        else if (call.what == action::concat || call.what == action::all_concat)
            parts_[id] = part_of(from, mine);
        else
            given_[id] = value_of<T>(from, mine);
        firsts_[id] = value_of<T>(from, mine, 1000);
    }

    void finish() override {
        if (call.what == action::reduce || call.what == action::all_reduce) result_ = reduced();
        if (call.what == action::scan || call.what == action::exclusive_scan) find_prefixes();
        for (const std::vector<double>& part : parts_) whole_.insert(whole_.end(), part.begin(), part.end());
    }

    void take(std::size_t id, model_rank& taker) override {
        memory& seen = taker.seen;
        const std::size_t root = call.root % given_.size();
        switch (call.what) {
            case action::barrier: seen.see(call.seed); break;
            case action::broadcast: seen.see(given_[root]); break;
            case action::reduce: seen.see(id == root ? std::optional(result_) : std::nullopt); break;
            case action::all_reduce: seen.see(result_); break;
            case action::scan: seen.see(prefixes_[id]); break;
            case action::exclusive_scan:
                seen.see(id == 0 ? firsts_[0] : combined(firsts_[id], prefixes_[id - 1]));
                break;
            case action::gather: seen.see(id == root ? given_ : std::vector<T>()); break;
            case action::all_gather: seen.see(given_); break;
            case action::concat: seen.see(id == root ? whole_ : std::vector<double>()); break;
            case action::all_concat: seen.see(whole_); break;
            case action::scatter: seen.see(lists_[root][id]); break;
            case action::all_to_all: {
                std::vector<T> mine;
                for (const std::vector<T>& list : lists_) mine.push_back(list[id]);
                seen.see(mine);
                break;
            }
            default: break;
        }
    }

private:
    static T combined(const T& left, const T& right) {
        if constexpr (std::same_as<T, std::vector<double>>) {
            T sum;
            for (std::size_t i = 0; i < left.size(); ++i) sum.push_back(blend()(left[i], right[i]));
            return sum;
        } else {
            return blend()(left, right);
        }
    }

    T reduced() const {
        std::vector<T> level;
        for (std::size_t id = 0; id < given_.size(); ++id) {
            if (id % 1024 == 0)
                level.push_back(given_[id]);
            else
                level.back() = combined(level.back(), given_[id]);
        }
        while (level.size() > 1) {
            std::vector<T> above;
            for (std::size_t i = 0; i < level.size(); i += 2)
                above.push_back(i + 1 < level.size() ? combined(level[i], level[i + 1]) : level[i]);
            level = above;
        }
        return level[0];
    }

    void find_prefixes() {
        std::optional<T> before; // total of all leaves before this one
        T within = given_[0];
        for (std::size_t id = 0; id < given_.size(); ++id) {
            if (id > 0 && id % 1024 == 0) before = before ? combined(*before, within) : within;
            within = id % 1024 == 0 ? given_[id] : combined(within, given_[id]);
            prefixes_.push_back(before ? combined(*before, within) : within);
        }
    }

    std::vector<T> given_;
    std::vector<T> firsts_;
    std::vector<std::vector<T>> lists_;
    std::vector<std::vector<double>> parts_;
    std::vector<T> prefixes_;
    std::vector<double> whole_;
    T result_{};
};

class model_split final : public model_collective {
public:
    model_split(step first, std::shared_ptr<model_group> of_group)
        : model_collective(std::move(first)), parent_(std::move(of_group)) {}

    void give(std::size_t, const model_rank&, const step&) override {}
    void finish() override {
        std::map<std::size_t, std::vector<std::pair<std::int64_t, std::size_t>>> by_color; // keys and ids
        for (std::size_t id = 0; id < parent_->members.size(); ++id) {
            const std::size_t rank = parent_->members[id];
            if (const auto color = color_at(call, rank))
                by_color[*color].emplace_back(key_at(call, rank), id);
        }
        for (auto& [color, members] : by_color) {
            std::ranges::sort(members);
            auto group = std::make_shared<model_group>();
            for (const auto& [key, id] : members) {
                places_[parent_->members[id]] = {group, group->members.size(), color};
                group->members.push_back(parent_->members[id]);
            }
        }
    }
    void take(std::size_t, model_rank& taker) override {
        model_place& mine = taker.places[call.makes];
        mine = places_[taker.number];
        taker.seen.see(static_cast<std::uint64_t>(mine.group != nullptr));
        if (mine.group == nullptr) return;
        taker.seen.see(static_cast<std::uint64_t>(mine.id));
        taker.seen.see(static_cast<std::uint64_t>(mine.group->members.size()));
        taker.seen.see(static_cast<std::uint64_t>(taker.number));
    }

private:
    std::shared_ptr<model_group> parent_;
    std::map<std::size_t, model_place> places_;
};

/// Runs the ranks one after the other, each as far as possible, until all have ended. When no rank can
/// advance, the waiting ranks learn the reason and end with it.
class sequential_model {
public:
    explicit sequential_model(const random_program& program) : ranks_(program.ranks) {
        const auto all = std::make_shared<model_group>();
        for (std::size_t rank = 0; rank < program.ranks; ++rank) all->members.push_back(rank);
        for (std::size_t rank = 0; rank < program.ranks; ++rank) {
            model_rank& each = ranks_[rank];
            each.number = rank;
            each.steps = program.steps_of(rank);
            each.seen.digest = mixed(program.seed, rank);
            each.places.resize(program.groups);
            each.places[0] = {all, rank, std::nullopt};
        }
        for (bool all_have_ended = false; !all_have_ended;) {
            bool anyone_ran = false;
            all_have_ended = true;
            for (model_rank& each : ranks_) {
                while (!each.ended && advance(each)) anyone_ran = true;
                all_have_ended = all_have_ended && each.ended;
            }
            if (!anyone_ran && !all_have_ended) end_hopeless_waits();
        }
    }

    const std::vector<model_rank>& ranks() const noexcept { return ranks_; }

private:
    /// Collectives of a group by number, each member's count of them, and the messages to each member.
    struct group_state {
        std::vector<std::shared_ptr<model_collective>> collectives;
        std::map<std::size_t, std::size_t> came;
        std::map<std::size_t, std::deque<model_message>> messages;
        std::map<std::size_t, std::deque<std::shared_ptr<model_receive>>> receives;
    };

    /// Runs one step, or awaits one operation of it; returns false when the rank has to wait.
    bool advance(model_rank& me) {
        if (!me.to_await.empty()) {
            if (!is_there(me.to_await.front())) return false;
            const model_ticket ticket = me.to_await.front();
            me.to_await.pop_front();
            take(me, ticket);
            return true;
        }
        if (me.next == me.steps.size())
            me.ended = ending::value;
        else
            perform(me, me.steps[me.next++]);
        return true;
    }

    static bool is_there(const model_ticket& ticket) {
        if (ticket.receive) return ticket.receive->message.has_value();
        return !ticket.collective->is_broken && ticket.collective->came == ticket.place.group->members.size();
    }

    void take(model_rank& me, const model_ticket& ticket) {
        if (ticket.collective) return ticket.collective->take(ticket.place.id, me);
        const model_receive& receive = *ticket.receive;
        if (receive.message->value.index() != static_cast<std::size_t>(receive.type)) {
            me.ended = ending::mismatch;
            return;
        }
        std::visit(
            [&](const auto& value) {
                if (!receive.is_collected) return me.seen.see(value);
                me.collected += seen_of(receive.message->from, value);
                const bool is_last = me.to_await.empty();
                if (is_last) me.seen.see(std::exchange(me.collected, 0));
            },
            receive.message->value);
    }

    void perform(model_rank& me, const step& current) {
        if (current.what == action::give_up) {
            me.ended = ending::gave_up;
            return;
        }
        if (current.what == action::leave) {
            me.ended = ending::value;
            return;
        }
        const model_place& place = me.places[current.group];
        if (current.what == action::wait_in_vain) {
            const model_place& here = place.group ? place : me.places[0];
            const std::size_t from = (here.id + 1) % here.group->members.size();
            me.to_await.push_back(receive(here, {from, tag_in_vain, value_type::integer, false, {}}));
            return;
        }
        if (!place.group || !takes_part(current, place.color)) return;
        if (is_collective(current.what) || current.what == action::split)
            begin(me, current, come(me, place, current));
        else if (current.what == action::permute)
            permute(me, place, current);
        else if (current.what == action::collect)
            collect(me, place, current);
        else if (current.what == action::work)
            for (std::size_t i = 0; i < work_at(current, me.number); ++i) me.seen.see(current.seed);
        else if (current.what == action::await_started)
            await_started(me, current);
        else if (current.what == action::drop_started)
            drop_started(me);
    }

    static void begin(model_rank& me, const step& current, model_ticket ticket) {
        if (current.started)
            me.started.push_back(std::move(ticket));
        else
            me.to_await.push_back(std::move(ticket));
    }

    model_ticket come(model_rank& me, const model_place& place, const step& current) {
        group_state& group = groups_[place.group];
        const std::size_t number = group.came[place.id]++;
        const std::size_t size = place.group->members.size();
        if (number == group.collectives.size())
            group.collectives.push_back(collective_for(place, current, size));
        const std::shared_ptr<model_collective> collective = group.collectives[number];
        ++collective->came;
        if (is_same_call(collective->call, current, size))
            collective->give(place.id, me, current);
        else
            collective->is_broken = true;
        if (collective->came == size && !collective->is_broken) collective->finish();
        return {collective, nullptr, place};
    }

    static std::shared_ptr<model_collective> collective_for(const model_place& place, const step& current,
                                                            std::size_t size) {
        if (current.what == action::split) return std::make_shared<model_split>(current, place.group);
        return with_type(current, [&]<class T>() -> std::shared_ptr<model_collective> {
            return std::make_shared<model_values<T>>(current, size);
        });
    }

    static bool is_same_call(const step& a, const step& b, std::size_t size) {
        if (a.what != b.what) return false;
        const action what = a.what;
        if (what == action::barrier || what == action::split || what == action::all_concat) return true;
        const bool have_root = what == action::broadcast || what == action::reduce ||
                               what == action::gather || what == action::concat || what == action::scatter;
        if (have_root && a.root % size != b.root % size) return false;
        if (what == action::concat) return true;
        if (a.type != b.type) return false;
        const bool reduces = what == action::reduce || what == action::all_reduce || what == action::scan ||
                             what == action::exclusive_scan;
        return !reduces || a.type != value_type::reals || a.elements == b.elements;
    }

    void permute(model_rank& me, const model_place& place, const step& current) {
        const std::size_t size = place.group->members.size();
        send(me, place, receiver_of(current, place.id, size), current);
        const std::size_t from = sender_to(current, place.id, size);
        const std::size_t how = current.seed / 3 % 3; // source and tag both given, or only one of them
        begin(me, current,
              receive(place, {how == 1 ? spmd::any_source : from,
                              how == 2 ? spmd::any_tag : tag_of(current),
                              current.type,
                              false,
                              {}}));
    }

    void collect(model_rank& me, const model_place& place, const step& current) {
        const std::size_t size = place.group->members.size();
        const std::size_t root = current.root % size;
        if (place.id != root) return send(me, place, root, current);
        for (std::size_t i = 1; i < size; ++i)
            me.to_await.push_back(
                receive(place, {spmd::any_source, tag_of(current), current.type, true, {}}));
    }

    void send(const model_rank& me, const model_place& place, std::size_t to, const step& current) {
        model_message message{place.id, tag_of(current), {}};
        with_type(current, [&]<class T>() { message.value = value_of<T>(me.seen, current); });
        group_state& group = groups_[place.group];
        auto& waiting = group.receives[to];
        for (auto each = waiting.begin(); each != waiting.end(); ++each) {
            if (!matches(**each, message)) continue;
            (*each)->message = std::move(message);
            waiting.erase(each);
            return;
        }
        group.messages[to].push_back(std::move(message));
    }

    model_ticket receive(const model_place& place, model_receive wanted) {
        auto receive = std::make_shared<model_receive>(std::move(wanted));
        group_state& group = groups_[place.group];
        auto& there = group.messages[place.id];
        const auto found =
            std::ranges::find_if(there, [&](const model_message& each) { return matches(*receive, each); });
        if (found == there.end()) {
            group.receives[place.id].push_back(receive);
        } else {
            receive->message = std::move(*found);
            there.erase(found);
        }
        return {nullptr, std::move(receive), place};
    }

    static bool matches(const model_receive& receive, const model_message& message) {
        return (receive.from == spmd::any_source || receive.from == message.from) &&
               (receive.tag == spmd::any_tag || receive.tag == message.tag);
    }

    static void await_started(model_rank& me, const step& current) {
        for (const std::size_t place : awaited_at(current, me.number, me.started.size())) {
            me.to_await.push_back(me.started[place]);
            me.started.erase(me.started.begin() + static_cast<std::ptrdiff_t>(place));
        }
    }
    static void drop_started(model_rank& me) {
        const auto found = std::ranges::find_if(
            me.started, [](const model_ticket& each) { return each.collective != nullptr; });
        if (found != me.started.end()) me.started.erase(found);
    }

    /// Ends every rank whose wait can never succeed because of ended ranks or a mismatch; if there are none,
    /// ends all waiting ranks with a deadlock.
    void end_hopeless_waits() {
        std::vector<std::pair<model_rank*, std::pair<ending, std::size_t>>> doomed;
        for (model_rank& each : ranks_) {
            if (each.ended) continue;
            const auto why = each.to_await.front().collective ? why_not_met(each.to_await.front())
                                                              : why_not_received(each.to_await.front());
            if (why) doomed.emplace_back(&each, *why);
        }
        if (doomed.empty())
            for (model_rank& each : ranks_)
                if (!each.ended) doomed.emplace_back(&each, std::pair(ending::deadlock, std::size_t{0}));
        for (const auto& [rank, why] : doomed) std::tie(rank->ended, rank->culprit) = why;
    }

    using reason = std::optional<std::pair<ending, std::size_t>>;

    reason why_not_met(const model_ticket& ticket) {
        model_collective& collective = *ticket.collective;
        if (collective.failure) return collective.failure;
        group_state& group = groups_[ticket.place.group];
        const auto number = static_cast<std::size_t>(std::ranges::find(group.collectives, ticket.collective) -
                                                     group.collectives.begin());
        if (collective.is_broken) {
            collective.failure.emplace(ending::mismatch, 0);
        } else {
            for (std::size_t id = 0; id < ticket.place.group->members.size() && !collective.failure; ++id) {
                const std::size_t rank = ticket.place.group->members[id];
                if (group.came[id] <= number && ranks_[rank].ended)
                    collective.failure.emplace(ending::peer_error, rank);
            }
        }
        return collective.failure;
    }

    reason why_not_received(const model_ticket& ticket) const {
        const std::vector<std::size_t>& members = ticket.place.group->members;
        if (const auto from = ticket.receive->from.rank()) {
            if (!ranks_[members[*from]].ended) return std::nullopt;
            return std::pair(ending::peer_error, members[*from]);
        }
        // All others have ended: names the first that threw, or else the first.
        std::optional<std::size_t> gone;
        for (const std::size_t other : members) {
            if (other == members[ticket.place.id]) continue;
            if (!ranks_[other].ended) return std::nullopt;
            if (!gone || (ranks_[*gone].ended == ending::value && ranks_[other].ended != ending::value))
                gone = other;
        }
        if (!gone) return std::nullopt;
        return std::pair(ending::peer_error, *gone);
    }

    std::vector<model_rank> ranks_;
    std::map<std::shared_ptr<model_group>, group_state> groups_;
};

// ----------------------------------------------------------------------------------------------- the library

struct started_operation {
    virtual ~started_operation() = default;
    virtual test_support::task<> see(memory& seen) = 0;
    bool is_collective = true;
};

template <class T>
struct started_for final : started_operation {
    explicit started_for(spmd::pending<T> begun) : pending(std::move(begun)) {}
    test_support::task<> see(memory& seen) override { seen.see(co_await pending); }
    spmd::pending<T> pending;
};
struct started_barrier final : started_operation {
    started_barrier(spmd::pending<void> begun, std::uint64_t what) : pending(std::move(begun)), seed(what) {}
    test_support::task<> see(memory& seen) override {
        co_await pending;
        seen.see(seed);
    }
    spmd::pending<void> pending;
    std::uint64_t seed;
};

/// State of a rank of the pool during its steps.
struct running_rank {
    std::size_t number;
    memory seen;
    std::vector<std::optional<spmd::rank>> places;
    std::vector<std::optional<std::size_t>> colors;
    std::vector<std::unique_ptr<started_operation>> started;
    bool is_over = false;

    template <class T>
    void keep(spmd::pending<T> begun, bool is_collective = true) {
        started.push_back(std::make_unique<started_for<T>>(std::move(begun)));
        started.back()->is_collective = is_collective;
    }
};

constexpr blend blended;

template <class T>
void start(running_rank& me, const step& current, const spmd::rank& group) {
    const std::size_t size = group.size();
    const std::size_t root = current.root % size;
    const auto mine = [&] { return value_of<T>(me.seen, current); };
    switch (current.what) {
        case action::barrier:
            me.started.push_back(std::make_unique<started_barrier>(group.barrier().start(), current.seed));
            break;
        case action::broadcast: me.keep(group.broadcast(mine(), root).start()); break;
        case action::reduce: me.keep(group.reduce(mine(), blended, root).start()); break;
        case action::all_reduce: me.keep(group.all_reduce(mine(), blended).start()); break;
        case action::scan: me.keep(group.scan(mine(), blended).start()); break;
        case action::exclusive_scan:
            me.keep(group.exclusive_scan(mine(), blended, value_of<T>(me.seen, current, 1000)).start());
            break;
        case action::gather: me.keep(group.gather(mine(), root).start()); break;
        case action::all_gather: me.keep(group.all_gather(mine()).start()); break;
        case action::concat: me.keep(group.concat(part_of(me.seen, current), root).start()); break;
        case action::all_concat: me.keep(group.all_concat(part_of(me.seen, current)).start()); break;
        case action::scatter:
            me.keep(group
                        .scatter(group.id() == root ? values_for_all<T>(me.seen, current, size)
                                                    : std::vector<T>(),
                                 root)
                        .start());
            break;
        default: me.keep(group.all_to_all(values_for_all<T>(me.seen, current, size)).start()); break;
    }
}

template <class T>
test_support::task<> meet(running_rank& me, const step& current, const spmd::rank& group) {
    memory& seen = me.seen;
    const std::size_t size = group.size();
    const std::size_t root = current.root % size;
    const auto mine = [&] { return value_of<T>(me.seen, current); };
    switch (current.what) {
        case action::barrier:
            co_await group.barrier();
            seen.see(current.seed);
            break;
        case action::broadcast: seen.see(co_await group.broadcast(mine(), root)); break;
        case action::reduce: seen.see(co_await group.reduce(mine(), blended, root)); break;
        case action::all_reduce: seen.see(co_await group.all_reduce(mine(), blended)); break;
        case action::scan: seen.see(co_await group.scan(mine(), blended)); break;
        case action::exclusive_scan: {
            T first = value_of<T>(me.seen, current, 1000);
            seen.see(co_await group.exclusive_scan(mine(), blended, std::move(first)));
            break;
        }
        case action::gather: seen.see(co_await group.gather(mine(), root)); break;
        case action::all_gather: seen.see(co_await group.all_gather(mine())); break;
        case action::concat: seen.see(co_await group.concat(part_of(me.seen, current), root)); break;
        case action::all_concat: seen.see(co_await group.all_concat(part_of(me.seen, current))); break;
        case action::scatter: {
            std::vector<T> values;
            if (group.id() == root) values = values_for_all<T>(me.seen, current, size);
            seen.see(co_await group.scatter(std::move(values), root));
            break;
        }
        default: {
            std::vector<T> values = values_for_all<T>(me.seen, current, size);
            seen.see(co_await group.all_to_all(std::move(values)));
            break;
        }
    }
}

test_support::task<> split(running_rank& me, const step& current, const spmd::rank& group) {
    me.places[current.makes] = co_await group.split(color_at(current, me.number), key_at(current, me.number));
    me.colors[current.makes] = color_at(current, me.number);
    const std::optional<spmd::rank>& mine = me.places[current.makes];
    me.seen.see(static_cast<std::uint64_t>(mine.has_value()));
    if (!mine) co_return;
    me.seen.see(static_cast<std::uint64_t>(mine->id()));
    me.seen.see(static_cast<std::uint64_t>(mine->size()));
    me.seen.see(static_cast<std::uint64_t>(mine->engine()));
}

template <class T>
test_support::task<> permute(running_rank& me, const step& current, const spmd::rank& group) {
    const std::size_t size = group.size();
    group.send(value_of<T>(me.seen, current), receiver_of(current, group.id(), size), tag_of(current));
    const std::size_t how = current.seed / 3 % 3;
    const spmd::source from = how == 1 ? spmd::any_source : sender_to(current, group.id(), size);
    const int tag = how == 2 ? spmd::any_tag : tag_of(current);
    if (current.started)
        me.keep(group.receive<T>(from, tag).start(), false);
    else
        me.seen.see(co_await group.receive<T>(from, tag));
}

template <class T>
test_support::task<> collect(running_rank& me, const step& current, const spmd::rank& group) {
    const std::size_t root = current.root % group.size();
    if (group.id() != root) {
        group.send(value_of<T>(me.seen, current), root, tag_of(current));
        co_return;
    }
    std::uint64_t collected = 0;
    for (std::size_t i = 1; i < group.size(); ++i) {
        const spmd::message<T> came = co_await group.receive_message<T>(spmd::any_source, tag_of(current));
        collected += seen_of(came.from, came.value);
    }
    if (group.size() > 1) me.seen.see(collected);
}

test_support::task<> await_started(running_rank& me, const step& current) {
    // In the model's order of places, all chosen before the first is awaited.
    std::vector<std::unique_ptr<started_operation>> awaited;
    for (const std::size_t place : awaited_at(current, me.number, me.started.size())) {
        awaited.push_back(std::move(me.started[place]));
        me.started.erase(me.started.begin() + static_cast<std::ptrdiff_t>(place));
    }
    for (const auto& each : awaited) AWAIT_HELPER(each->see(me.seen));
}

void drop_started(running_rank& me) {
    const auto found = std::ranges::find_if(me.started, [](const auto& each) { return each->is_collective; });
    if (found != me.started.end()) me.started.erase(found);
}

test_support::task<> perform(running_rank& me, const step& current, std::size_t depth) {
    if (depth > 0) {
        AWAIT_HELPER(perform(me, current, depth - 1));
        co_return;
    }
    if (current.what == action::give_up) throw std::runtime_error(text_of_giving_up(me.number));
    if (current.what == action::leave) {
        me.is_over = true;
        co_return;
    }
    const std::optional<spmd::rank>& place = me.places[current.group];
    if (current.what == action::wait_in_vain) {
        const spmd::rank here = place ? *place : *me.places[0];
        co_await here.receive<std::int64_t>((here.id() + 1) % here.size(), tag_in_vain);
        co_return;
    }
    if (!place || !takes_part(current, me.colors[current.group])) co_return;
    const spmd::rank group = *place;
    switch (current.what) {
        case action::split: AWAIT_HELPER(split(me, current, group)); break;
        case action::permute:
            AWAIT_HELPER(with_type(current, [&]<class T>() { return permute<T>(me, current, group); }));
            break;
        case action::collect:
            AWAIT_HELPER(with_type(current, [&]<class T>() { return collect<T>(me, current, group); }));
            break;
        case action::work:
            for (std::size_t i = 0; i < work_at(current, me.number); ++i) me.seen.see(current.seed);
            break;
        case action::await_started: AWAIT_HELPER(await_started(me, current)); break;
        case action::drop_started: drop_started(me); break;
        default:
            if (current.started)
                with_type(current, [&]<class T>() { start<T>(me, current, group); });
            else
                AWAIT_HELPER(with_type(current, [&]<class T>() { return meet<T>(me, current, group); }));
    }
}

test_support::task<memory> run(const random_program& program, spmd::rank me) {
    running_rank mine{me.id(), {mixed(program.seed, me.id()), 0}, {}, {}, {}};
    mine.places.resize(program.groups);
    mine.colors.resize(program.groups);
    mine.places[0] = me;
    const std::vector<step> steps = program.steps_of(me.id());
    for (const step& each : steps) {
        AWAIT_HELPER(perform(mine, each, each.depth));
        if (mine.is_over) break;
    }
    co_return mine.seen;
}

/// End of a rank: with its memory, or with an error and its message.
struct outcome_of_rank {
    ending how = ending::value;
    memory seen;
    std::string words;
    std::size_t culprit = 0;
    std::string reason;
};

outcome_of_rank ending_of(spmd::outcome<memory>& outcome) {
    outcome_of_rank end;
    if (outcome.has_value()) {
        end.seen = outcome.value();
        return end;
    }
    end.words = spmd::message_of(outcome.error());
    try {
        std::rethrow_exception(outcome.error());
    } catch (const spmd::peer_error& error) {
        end.how = ending::peer_error;
        end.culprit = error.rank();
        end.reason = error.reason();
    } catch (const spmd::mismatch_error&) {
        end.how = ending::mismatch;
    } catch (const spmd::deadlock_error&) {
        end.how = ending::deadlock;
    } catch (const std::runtime_error&) {
        end.how = ending::gave_up;
    }
    return end;
}

std::vector<outcome_of_rank> endings_on(const meeting_pool& pool, const random_program& program) {
    auto outcomes = pool.broadcast([&program](spmd::rank me) { return run(program, me); }).outcomes();
    std::vector<outcome_of_rank> all;
    for (spmd::outcome<memory>& each : outcomes) all.push_back(ending_of(each));
    return all;
}

/// Every launcher with 1 and 2 threads, one with several arenas, and one that shuffles by this seed.
std::vector<pool_kind> kinds_for(std::uint64_t seed) {
    std::vector<pool_kind> kinds;
    for (pool_kind& kind : pool_kinds()) {
        const bool is_shuffled = kind.name.find("shuffled") == 0;
        const bool has_arenas = kind.name.find("arenas") != std::string::npos;
        if (!is_shuffled && (kind.threads <= 2 || has_arenas)) kinds.push_back(std::move(kind));
    }
    kinds.push_back(
        {"shuffled", 1, [seed](std::size_t ranks) { return make_shuffled_pool(ranks, seed); }, {}});
    return kinds;
}

bool starts_with(const std::string& text, const std::string& begin) { return text.rfind(begin, 0) == 0; }
bool is_mismatch(const std::string& text) {
    return starts_with(text, "collective mismatch: rank ") || starts_with(text, "message mismatch: rank ");
}

} // namespace

TEST_CASE("the generator covers every action on every type, in groups within groups") {
    std::map<std::pair<action, value_type>, std::size_t> seen;
    std::size_t in_groups = 0;
    std::size_t group_splits = 0;
    std::size_t started = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        for (const step& each : program_of(seed).steps) {
            ++seen[{each.what, each.type}];
            in_groups += each.group > 0;
            group_splits += each.group > 0 && each.what == action::split;
            started += each.started;
        }
    }
    for (int what = 0; what <= static_cast<int>(action::drop_started); ++what)
        for (int type = 0; type < 4; ++type)
            CHECK(seen[{static_cast<action>(what), static_cast<value_type>(type)}] > 5);
    CHECK(in_groups > 300);
    CHECK(group_splits > 20);
    CHECK(started > 300);
}

TEST_CASE("random programs yield the results of a sequential model, on every launcher") {
    for (std::uint64_t seed = 0; seed < 150; ++seed) {
        const random_program program = program_of(seed);
        if (program.ranks > most_ranks) continue;
        const sequential_model model(program);
        for (const pool_kind& kind : kinds_for(seed)) {
            INFO("seed " << seed << ", " << program.ranks << " ranks, " << kind.name << ", " << kind.threads
                         << " threads");
            const auto ends = endings_on(kind.make(program.ranks), program);
            for (std::size_t rank = 0; rank < program.ranks; ++rank) {
                INFO("rank " << rank << ": " << ends[rank].words);
                REQUIRE(model.ranks()[rank].ended == ending::value);
                REQUIRE(ends[rank].how == ending::value);
                REQUIRE(ends[rank].seen == model.ranks()[rank].seen);
            }
        }
    }
}

namespace {

/// Checks an ending against the ones this kind of fault can cause in any program.
void require_plausible(const random_program& program, std::size_t rank, const outcome_of_rank& end) {
    const fault& wrong = *program.wrong;
    // Two receives from any source wait for each other once all other ranks have ended.
    if (end.how == ending::deadlock && end.words.find("receive(from any, ") != std::string::npos) return;
    std::string culprit = "rank ";
    culprit += std::to_string(wrong.rank);
    switch (wrong.kind) {
        case fault_kind::skips: REQUIRE(end.how != ending::gave_up); break;
        case fault_kind::throws:
            if (rank == wrong.rank) {
                REQUIRE(end.how == ending::gave_up);
                REQUIRE(end.words == text_of_giving_up(rank));
            } else if (end.how != ending::value) {
                REQUIRE(end.how == ending::peer_error);
                REQUIRE(end.reason == text_of_giving_up(wrong.rank));
            }
            break;
        case fault_kind::returns:
            if (rank == wrong.rank || end.how == ending::value) {
                REQUIRE(end.how == ending::value);
            } else {
                REQUIRE(end.how == ending::peer_error);
                REQUIRE(starts_with(end.reason, culprit + " returned before it reached "));
            }
            break;
        case fault_kind::waits_in_vain:
            REQUIRE(
                (end.how == ending::value || end.how == ending::deadlock || end.how == ending::peer_error));
            if (rank == wrong.rank) REQUIRE(end.how != ending::value);
            break;
        default:
            REQUIRE(
                (end.how == ending::value || end.how == ending::mismatch || end.how == ending::peer_error));
            if (end.how == ending::mismatch) REQUIRE(is_mismatch(end.words));
            if (end.how == ending::mismatch) REQUIRE(end.words.find(", but rank ") != std::string::npos);
            if (end.how == ending::peer_error) REQUIRE(is_mismatch(end.reason));
    }
}

} // namespace

TEST_CASE("random programs with one fault end with the right errors, in the same words on every launcher") {
    std::array<std::array<std::size_t, endings>, fault_kinds> programs_with{};
    for (std::size_t kind_of_fault = 0; kind_of_fault < fault_kinds; ++kind_of_fault) {
        for (std::uint64_t seed = 0; seed < 40; ++seed) {
            const random_program program = faulty_program_of(seed, static_cast<fault_kind>(kind_of_fault));
            const sequential_model model(program);
            std::vector<outcome_of_rank> first;
            for (const pool_kind& kind : kinds_for(seed)) {
                INFO("seed " << seed << ", fault " << kind_of_fault << " of rank " << program.wrong->rank
                             << " at step " << program.wrong->step << ", " << program.ranks << " ranks, "
                             << kind.name << ", " << kind.threads << " threads");
                const auto ends = endings_on(kind.make(program.ranks), program);
                if (first.empty()) first = ends;
                for (std::size_t rank = 0; rank < program.ranks; ++rank) {
                    INFO("rank " << rank << ": " << ends[rank].words);
                    const model_rank& expected = model.ranks()[rank];
                    REQUIRE(expected.ended == ends[rank].how);
                    if (expected.ended == ending::value) REQUIRE(expected.seen == ends[rank].seen);
                    if (expected.ended == ending::peer_error) REQUIRE(expected.culprit == ends[rank].culprit);
                    REQUIRE(ends[rank].words == first[rank].words);
                    require_plausible(program, rank, ends[rank]);
                }
            }
            std::array<bool, endings> seen{};
            for (const outcome_of_rank& each : first) seen[static_cast<std::size_t>(each.how)] = true;
            for (std::size_t how = 0; how < endings; ++how) programs_with[kind_of_fault][how] += seen[how];
        }
    }
    // Every fault had each of its possible consequences.
    const auto programs = [&](fault_kind kind, ending how) {
        return programs_with[static_cast<std::size_t>(kind)][static_cast<std::size_t>(how)];
    };
    for (const ending how : {ending::mismatch, ending::peer_error, ending::deadlock})
        CHECK(programs(fault_kind::skips, how) > 0);
    for (const fault_kind kind : {fault_kind::has_another_root, fault_kind::calls_another,
                                  fault_kind::gives_another_type, fault_kind::gives_more_elements})
        CHECK(programs(kind, ending::mismatch) > 20);
    CHECK(programs(fault_kind::throws, ending::gave_up) == 40);
    CHECK(programs(fault_kind::throws, ending::peer_error) > 30);
    CHECK(programs(fault_kind::returns, ending::peer_error) > 30);
    CHECK(programs(fault_kind::waits_in_vain, ending::deadlock) > 20);
    CHECK(programs(fault_kind::waits_in_vain, ending::peer_error) > 0);
}
