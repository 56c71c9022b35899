#pragma once

/// Declarations of the operations that a rank describes. Only coroutines, which include task.hpp, need the
/// definitions: so a program of plain ranks does not compile the collectives.
namespace spmd::detail {

class communicator;
class membership;
struct match_key;

template <class Collective, class Result = typename Collective::result>
class collective_awaitable;
template <class Result>
Result from_membership(const membership& place);

class barrier_collective;
template <class T>
class broadcast_collective;
template <class T, class Op>
class reduce_collective;
template <class T, class Op>
class all_reduce_collective;
template <class T, class Op>
class scan_collective;
template <class T, class Op>
class exclusive_scan_collective;
template <class T>
class gather_collective;
template <class T>
class all_gather_collective;
template <class Part>
class concat_collective;
template <class Part>
class all_concat_collective;
template <class T>
class scatter_collective;
template <class T>
class all_to_all_collective;

} // namespace spmd::detail
