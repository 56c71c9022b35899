#include <spmd/detail/ranks/collective.hpp>

#include <spmd/detail/base/describe.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/rank_scheduler.hpp>
#include <spmd/detail/ranks/wait_gate.hpp>
#include <spmd/error.hpp>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

namespace spmd::detail {
namespace {

/// Describes a request: "all_reduce of double, root 3 at solver.cpp:41". Operation and element count are
/// included only if they distinguish it from the other request.
std::string text_of_arrival(const request& requested, const request& other,
                            const std::source_location& where) {
    const collective_kind& kind = *requested.kind;
    std::string text = kind.name;
    if (kind.type != nullptr) {
        text += " of ";
        text += name_of(*kind.type);
    }
    const bool is_same = requested.kind == other.kind;
    if (!is_same && std::string_view(kind.name) == other.kind->name && kind.type == other.kind->type) {
        text += " by ";
        text += name_of(*kind.operation);
    }
    if (requested.count > 0 || (is_same && other.count > 0)) {
        text += ", ";
        text += std::to_string(requested.count);
        text += requested.count == 1 ? " element" : " elements";
    }
    if (kind.has_root) {
        text += ", root ";
        text += std::to_string(requested.root);
    }
    text += " at ";
    text += text_of(where);
    return text;
}

} // namespace

collective::collective(communicator& peers)
    : peers_(&peers), size_(peers.size),
      arrived_(std::make_unique<std::atomic<std::uint32_t>[]>((peers.size + leaf_size - 1) / leaf_size)) {}

void collective::open(std::uint32_t number, const request& requested, const std::source_location& where) {
    number_ = number;
    requested_ = requested;
    first_where_ = where;
    // A failed collective is reused too, once all members have left it.
    broken_.store(false, std::memory_order_relaxed);
    failure_ = nullptr;
    mismatched_.clear();
    error_ = nullptr;
    started_.clear();
    waiting_.clear();
    watchers_.clear();
    complete_.store(false, std::memory_order_relaxed);
    to_leave_.store(size_, std::memory_order_relaxed);
    leaves_to_come_.store(leaves(), std::memory_order_relaxed);
    for (std::size_t leaf = 0; leaf < leaves(); ++leaf) arrived_[leaf].store(0, std::memory_order_relaxed);
    if (peers_->ranks().is_timed()) arrivals_.assign(size_, {});
    prepare();
}

void collective::store_error() noexcept {
    const std::lock_guard lock(mutex_);
    if (error_ == nullptr) error_ = std::current_exception();
}

bool collective::arrive(std::size_t leaf, std::uint32_t count) noexcept {
    const std::size_t begin = leaf * leaf_size;
    const std::size_t end = std::min(begin + leaf_size, size_);
    const std::uint32_t before = arrived_[leaf].fetch_add(count, std::memory_order_acq_rel);
    if (before + count < end - begin || broken_.load(std::memory_order_relaxed)) return false;
    try {
        fold(begin, end);
    } catch (...) {
        store_error();
    }
    if (leaves_to_come_.fetch_sub(1, std::memory_order_acq_rel) > 1) return false;
    if (broken_.load(std::memory_order_relaxed)) return false;
    try {
        if (error_ == nullptr) finish();
    } catch (...) {
        store_error();
    }
    return true;
}

void collective::start(std::size_t id, const std::source_location& where, const request& requested) {
    const std::lock_guard lock(mutex_);
    started_.push_back({id, where, requested});
}

void collective::break_up(std::size_t id, const std::source_location& where, const request& requested) {
    const std::lock_guard lock(mutex_);
    mismatched_.push_back({id, where, requested});
    broken_.store(true, std::memory_order_relaxed);
}

bool collective::wait(std::size_t index, wait_record& record, std::coroutine_handle<> rank,
                      const std::source_location& where) {
    const std::lock_guard lock(mutex_);
    if (is_complete()) return false;
    record.continue_at(rank);
    record.wait_for(*this, where);
    waiting_.push_back(index);
    return true;
}

bool collective::watch(std::size_t index, wait_gate& gate) {
    const std::lock_guard lock(mutex_);
    if (is_complete()) return false;
    watchers_.push_back({index, &gate});
    return true;
}

void collective::unwatch(const wait_gate& gate) noexcept {
    const std::lock_guard lock(mutex_);
    std::erase_if(watchers_, [&](const watcher& each) { return each.gate == &gate; });
}

void collective::throw_error() const { std::rethrow_exception(error_); }

std::vector<std::size_t> collective::complete(bool& everyone) {
    const std::lock_guard lock(mutex_);
    everyone = started_.empty();
    if (!everyone) {
        // All members waited at once, except for the started ones.
        std::ranges::sort(started_, {}, &early_arrival::id);
        auto next = started_.begin();
        for (std::size_t id = 0; id < size_; ++id) {
            if (next != started_.end() && next->id == id)
                ++next;
            else
                waiting_.push_back(peers_->index_of(id));
        }
    }
    for (const watcher& each : watchers_)
        if (each.gate->count()) waiting_.push_back(each.index);
    complete_.store(true, std::memory_order_release);
    return std::move(waiting_);
}

void collective::give_up(const std::exception_ptr& failure) {
    broken_.store(true, std::memory_order_relaxed);
    if (failure_ == nullptr) failure_ = failure;
}

std::exception_ptr collective::cause() {
    if (is_complete()) return nullptr;
    // Asked by each waiting member, with the same answer for all: found once per halt.
    if (failure_ == nullptr && std::exchange(looked_at_, peers_->ranks().halts()) != peers_->ranks().halts())
        failure_ = broken_.load(std::memory_order_relaxed) ? mismatch() : absence();
    return failure_;
}

std::vector<collective::early_arrival> collective::arrivals_in_order() const {
    std::vector<early_arrival> arrivals = started_;
    arrivals.insert(arrivals.end(), mismatched_.begin(), mismatched_.end());
    std::ranges::sort(arrivals, {}, &early_arrival::id);
    const std::size_t known = arrivals.size();
    for (std::size_t id = 0, next = 0; id < size_; ++id) {
        if (next < known && arrivals[next].id == id)
            ++next;
        else if (peers_->has_reached(id, number_))
            arrivals.push_back({id, peers_->ranks().record_of(peers_->index_of(id)).where(), requested_});
    }
    std::ranges::sort(arrivals, {}, &early_arrival::id);
    return arrivals;
}

std::exception_ptr collective::mismatch() const {
    const std::vector<early_arrival> arrivals = arrivals_in_order();
    const auto other = std::ranges::find_if(
        arrivals, [&](const early_arrival& each) { return each.requested != arrivals.front().requested; });
    const auto describe = [this](const early_arrival& each, const early_arrival& than) {
        std::string text = "rank ";
        text += std::to_string(peers_->index_of(each.id));
        text += " called ";
        text += text_of_arrival(each.requested, than.requested, each.where);
        return text;
    };
    std::string text = "collective mismatch: ";
    text += describe(arrivals.front(), other != arrivals.end() ? *other : arrivals.front());
    if (other != arrivals.end()) {
        text += ", but ";
        text += describe(*other, arrivals.front());
    }
    return std::make_exception_ptr(mismatch_error(text));
}

std::exception_ptr collective::absence() const {
    const rank_scheduler& ranks = peers_->ranks();
    for (std::size_t id = 0; id < size_; ++id) {
        const std::size_t rank = peers_->index_of(id);
        if (peers_->has_reached(id, number_) || !ranks.has_ended(rank)) continue;
        const std::vector<early_arrival> arrivals = arrivals_in_order();
        std::string before = requested_.kind->name;
        before += " at ";
        before += text_of(arrivals.empty() ? first_where_ : arrivals.front().where);
        return std::make_exception_ptr(peer_error(rank, before, ranks.error_of_ended(rank)));
    }
    return nullptr;
}

} // namespace spmd::detail
