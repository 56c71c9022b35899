"""Commands of gdb for programs that use spmd; `help spmd` lists them.

They read memory and call no function of the program, so that they work on core files as well. They need the
debug information of the program itself (-g; Clang also -fstandalone-debug), not that of libspmd. """
import struct

import gdb

MOST_PLACES = 8  # as in the report of a deadlock
MOST_RANGES = 4  # as in other messages
ANY_SOURCE = 2**64 - 1
ANY_TAG = -2**31


# Access to the program. The names of members of spmd's types are in this section alone.

def type_of(name):
    try:
        return gdb.lookup_type("spmd::detail::" + name)
    except gdb.error:
        raise gdb.GdbError(f"no debug information of spmd::detail::{name}: compile the program with -g "
                           "(Clang: also -fstandalone-debug)") from None


def variable(name):
    return gdb.parse_and_eval(f"'spmd::detail::{name}'")


def text_at(pointer):
    return pointer.string("utf-8", "replace")


def std_string(value):
    return value["_M_dataplus"]["_M_p"].string("utf-8", "replace", int(value["_M_string_length"]))


def wrapped_pointer(value, target):
    """What a std::unique_ptr or a std::atomic of a pointer holds, which is all that is in it."""
    return value.address.cast(target.pointer().pointer()).dereference()


def is_set(atomic_bool):
    return int(atomic_bool.address.cast(gdb.lookup_type("bool").pointer()).dereference()) != 0


def map_entries(std_map):
    """The addresses of a std::map's pairs, in their order."""
    header = std_map["_M_t"]["_M_impl"]["_M_header"]
    node, above = header["_M_parent"], []
    while int(node) != 0 or above:
        while int(node) != 0:
            above.append(node)
            node = node["_M_left"]
        node = above.pop()
        yield int(node) + header.type.strip_typedefs().sizeof
        node = node["_M_right"]


def words(address, count):
    return struct.unpack(f"={count}Q", gdb.selected_inferior().read_memory(address, 8 * count))


def source_line(location):
    """'solver.cpp:42' of a std::source_location; None where it is none."""
    place = location["_M_impl"]
    if int(place) == 0:
        return None
    return f"{text_at(place['_M_file_name']).rsplit('/', 1)[-1]}:{int(place['_M_line'])}"


def broadcasts():
    """The broadcasts of coroutines that exist, begun or not."""
    type_of("listed_broadcast")
    lists = variable("listed_broadcast::lists_")["_M_elems"]
    first, last = lists.type.strip_typedefs().range()
    for i in range(first, last + 1):
        listed = lists[i]["first"]
        while int(listed) != 0:
            yield listed.dereference()
            listed = listed["next_"]


class broadcast:
    """One broadcast of coroutines."""

    def __init__(self, listed):
        label = listed["label_"].dereference()
        self.scheduler = int(listed["ranks_"])
        self.count = int(listed["count_"])
        self.name = std_string(label["name"])
        self.where = source_line(label["where"])
        self.begun = bool(label["begun"])
        self.pool = std_string(label["pool"]["name"])
        self.listed = listed

    def ended(self):
        """For each rank 1 if it has ended, else 0."""
        return bytes(gdb.selected_inferior().read_memory(int(self.listed["ended_"]), self.count))

    def wait_records(self):
        return wait_records(self.listed["records_"], self.count)

    def failures(self):
        """What ranks did that have ended otherwise than by returning, by rank."""
        trouble_type = type_of("tracked_job::trouble")
        trouble = wrapped_pointer(self.listed["trouble_"].dereference(), trouble_type)
        if int(trouble) == 0:
            return {}
        found = {words(entry, 1)[0]: "threw" for entry in map_entries(trouble["failures"])}
        for entry in map_entries(trouble["cancelled"]):
            found.update((rank, "cancelled") for rank in range(*words(entry, 2)))
        return found


class wait_records:
    """The wait records of a broadcast, read at once: there may be a million."""

    RECEIVING, FAILED, JOINTLY = 1, 2, 3  # how far the pointer to what is awaited is off; or, alone, yields

    def __init__(self, records, count):
        kind = records.dereference().type.strip_typedefs().unqualified()
        offsets = {field.name: field.bitpos // 8 for field in kind.fields() if hasattr(field, "bitpos")}
        self._size = kind.sizeof
        self._offsets = [offsets[name] for name in ("continuation_", "awaited_", "where_")]
        self._records = records
        self._memory = gdb.selected_inferior().read_memory(int(records), count * self._size) if count else b""
        self._known = {}  # texts, by what is awaited and the place

    def state(self, rank):
        """'ready', 'not started', or what the rank waits for."""
        continuation, awaited, where = (struct.unpack_from("=Q", self._memory, rank * self._size + offset)[0]
                                        for offset in self._offsets)
        if continuation == 0:
            return "not started"
        tag = awaited & 3
        if tag == self.FAILED or awaited == self.JOINTLY:
            return "ready"
        if tag == self.JOINTLY:
            return self._waiting(rank, joint_text(awaited - self.JOINTLY))
        if tag == self.RECEIVING:
            return self._waiting(rank, receive_text(awaited - self.RECEIVING))
        if (awaited, where) not in self._known:
            operation = collective_text(awaited) if awaited else "submission"
            self._known[awaited, where] = self._waiting(rank, operation)
        return self._known[awaited, where]

    def _waiting(self, rank, operation):
        """`operation`: None where it is over."""
        if operation is None:
            return "ready"
        return f"{operation} at {source_line(self._records[rank]['where_'])}"


def object_at(address, kind):
    return gdb.Value(address).cast(type_of(kind).pointer()).dereference()


def collective_text(address):
    """The collective's name; None where it is complete."""
    collective = object_at(address, "collective")
    if is_set(collective["complete_"]):
        return None
    return text_at(collective["requested_"]["kind"]["name"])


def joint_text(address):
    """'when_any', 'when_all' or 'within'; None where the wait is over."""
    wait = object_at(address, "joint_wait")
    return text_at(wait["name_"]) if int(wait["gate_"]["left_"]) > 0 else None


def receive_text(address):
    """'receive(from 3, tag 0)', or another verb; None where the message has arrived."""
    receiver = object_at(address, "receiver")
    if int(wrapped_pointer(receiver["message_"], type_of("envelope"))) != 0 or bool(receiver["found_"]):
        return None
    verb = str(receiver["verb_"]).rsplit("::", 1)[-1]
    source, tag = int(receiver["from_"]), int(receiver["tag_"])
    members = receiver["peers_"]["indices_"]
    if source != ANY_SOURCE and int(members) != 0:
        source = int(members[source])
    source = "any" if source == ANY_SOURCE else source
    return f"{verb}(from {source}, tag {'any' if tag == ANY_TAG else tag})"


def running_ranks():
    """The number of the thread that runs a rank, by scheduler and rank."""
    selected = gdb.selected_thread()
    found = {}
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            worker = variable("rank_worker::here_")
            while int(worker) != 0:
                if worker["is_running_"]:
                    found[int(worker["ranks_"]), int(worker["rank_"])] = thread.num
                worker = worker["outer_"]
    finally:
        if selected is not None:
            selected.switch()
    return found


# What is shown.

class rank_ranges:
    """Ascending ranks, as ranges: 'ranks 0 to 5, 7'."""

    def __init__(self):
        self._ranges = []
        self._size = 0

    def add(self, rank):
        self._size += 1
        if self._ranges and self._ranges[-1][1] == rank:
            self._ranges[-1][1] += 1
        else:
            self._ranges.append([rank, rank + 1])

    def __str__(self):
        texts = [str(first) if last == first + 1 else f"{first}, {last - 1}" if last == first + 2
                 else f"{first} to {last - 1}" for first, last in self._ranges[:MOST_RANGES]]
        more = self._size - sum(last - first for first, last in self._ranges[:MOST_RANGES])
        return (f"rank{'s' if self._size != 1 else ''} {', '.join(texts)}"
                + (f" and {more} more" if more else ""))


def shown(each, running):
    """The lines that show a broadcast; none where all its ranks have ended."""
    ended = each.ended()
    ended_count = each.count - ended.count(0)
    if ended_count == each.count:
        return
    pool = f'pool "{each.pool}"' if each.pool else "a pool without a name"
    name = f' "{each.name}"' if each.name else ""
    where = f" at {each.where}" if each.where else ""
    yield f"broadcast{name}{where} on {pool}: {each.count} ranks, {ended_count} ended"

    records, failures = each.wait_records(), each.failures()
    groups, places, elsewhere = {}, 0, 0
    for rank in range(each.count):
        if ended[rank]:
            state = failures.get(rank, "returned")
        elif (each.scheduler, rank) in running:
            state = f"running in thread {running[each.scheduler, rank]}"
        else:
            state = records.state(rank)
        if state not in groups:
            places += " at " in state
            if " at " in state and places > MOST_PLACES:
                elsewhere += 1
                continue
        groups.setdefault(state, rank_ranges()).add(rank)
    for state, ranks in groups.items():
        yield f"  {ranks}: {state}"
    if elsewhere:
        yield f"  {elsewhere} more rank{'s' if elsewhere != 1 else ''}: waiting elsewhere"


class spmd_command(gdb.Command):
    """Commands for programs that use spmd."""

    def __init__(self):
        super().__init__("spmd", gdb.COMMAND_STATUS, prefix=True)


class ranks_command(gdb.Command):
    """Lists, for each broadcast of coroutines in flight, which ranks wait at which collective or receive.

Ranks are grouped by what they do: run in a thread, wait, are ready, have not started, returned, threw, were
cancelled. Broadcasts of plain functions and maps are not listed: their tasks do not wait for each other.
A rank whose submission has ended is shown as waiting for it until it runs."""

    def __init__(self):
        super().__init__("spmd ranks", gdb.COMMAND_STATUS)

    def invoke(self, argument, _from_tty):
        if argument:
            raise gdb.GdbError("spmd ranks accepts no argument")
        if not gdb.selected_inferior().threads():
            raise gdb.GdbError("no program: run one, attach to one, or load a core file")
        begun = [each for each in map(broadcast, broadcasts()) if each.begun]
        try:
            running = running_ranks()
        except gdb.error as error:
            running = {}
            print(f"warning: a rank that runs is shown as if it waited: {error}")
        lines = [line for each in begun for line in shown(each, running)]
        print("\n".join(lines or ["no broadcast of coroutines is in flight"]))


spmd_command()
ranks_command()
