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

} // namespace spmd::detail
