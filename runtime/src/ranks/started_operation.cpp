#include <spmd/detail/ranks/started_operation.hpp>

#include <spmd/detail/ranks/collective.hpp>
#include <spmd/detail/ranks/communicator.hpp>
#include <spmd/detail/ranks/message_box.hpp>
#include <spmd/detail/ranks/rank_worker.hpp>
#include <spmd/detail/ranks/receiver.hpp>

namespace spmd::detail {

bool started_operation::is_complete() const {
    if (collective_ != nullptr) return collective_->is_complete();
    return receive_ == nullptr || peers_->box_of(id_).is_served(*receive_);
}

bool started_operation::is_ready() const {
    if (is_complete()) return true;
    rank_worker::running(*peers_, id_);
    return false;
}

bool started_operation::wait(std::coroutine_handle<> rank) {
    rank_worker& here = rank_worker::running(*peers_, id_);
    here.record().throw_if_failed();
    if (receive_ != nullptr) return peers_->box_of(id_).wait(*receive_, here.record(), rank, where_);
    waited_ = true; // before another thread can wake the rank
    if (collective_->wait(here.rank(), here.record(), rank, where_)) return true;
    waited_ = false;
    return false;
}

bool started_operation::watch(std::size_t rank, wait_gate& gate) const {
    if (collective_ != nullptr) return collective_->watch(rank, gate);
    return receive_ != nullptr && peers_->box_of(id_).watch(*receive_, gate);
}

void started_operation::unwatch(const wait_gate& gate) const noexcept {
    if (collective_ != nullptr)
        collective_->unwatch(gate);
    else if (receive_ != nullptr)
        peers_->box_of(id_).unwatch(*receive_);
}

std::exception_ptr started_operation::cause(const std::source_location& where) const {
    if (is_complete()) return nullptr;
    return collective_ != nullptr ? collective_->cause() : receive_->cause(where);
}

void started_operation::give_up(const std::exception_ptr& failure) const {
    if (collective_ != nullptr && !is_complete()) collective_->give_up(failure);
}

std::string started_operation::text() const {
    if (collective_ != nullptr) return collective_->requested().kind->name;
    return receive_ != nullptr ? peers_->box_of(id_).operation(*receive_) : "nothing";
}

} // namespace spmd::detail
