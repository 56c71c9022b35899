#pragma once

#include <cstddef>
#include <source_location>

/// Declarations of the operations that a rank describes. Only coroutines, which include task.hpp, need the
/// definitions: so a program of plain ranks does not compile the collectives.
namespace spmd::detail {

class communicator;
class membership;

template <class Collective, class Result = typename Collective::result>
class collective_awaitable;
template <class T, class Result>
class receive_awaitable;
template <class Result>
Result from_membership(const membership& place);
template <class T>
void send_value(communicator& peers, std::size_t id, T value, std::size_t to, int tag,
                const std::source_location& where);

} // namespace spmd::detail
