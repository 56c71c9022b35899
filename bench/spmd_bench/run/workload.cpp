#include "spmd_bench/run/workload.hpp"

#include "spmd_bench/options/units.hpp"

#include <checksum/file_list.hpp>
#include <checksum/file_reader.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace spmd_bench {
namespace {

/// Messages of random bytes, one after the other.
class random_messages {
public:
    explicit random_messages(std::uint64_t seed) : draw_(seed) {}

    std::string next(std::uint64_t size) {
        std::string message(size, '\0');
        for (std::size_t offset = 0; offset < message.size(); offset += sizeof(std::uint64_t)) {
            const std::uint64_t bits = draw_();
            std::memcpy(message.data() + offset, &bits, std::min(sizeof bits, message.size() - offset));
        }
        return message;
    }

private:
    std::mt19937_64 draw_;
};

/// Files whose order by name is the order of their generation.
void write_files(const workload_options& options, temporary_directory& scratch) {
    random_messages messages(options.seed);
    const std::size_t digits = fmt::formatted_size("{}", options.items);
    for (std::size_t i = 0; i < options.items; ++i)
        scratch.write(fmt::format("file_{:0{}}.bin", i, digits), messages.next(options.file_size));
}

std::vector<std::string> list_directory(const std::string& directory) {
    checksum::file_listing listing = checksum::list_files(directory);
    if (!listing.errors.empty())
        throw std::system_error(listing.errors.front().reason, listing.errors.front().path);
    return std::move(listing.files);
}

/// Calls `consume` with each block of a file.
template <class Consume>
void read_blocks(const std::string& path, Consume consume) {
    checksum::file_reader reader(path);
    for (auto block = reader.next_block(); !block.empty(); block = reader.next_block()) consume(block);
}

std::vector<std::string> make_messages(const workload_options& options) {
    std::vector<std::string> all;
    all.reserve(options.items);
    random_messages messages(options.seed);
    for (std::size_t i = 0; i < options.items; ++i) all.push_back(messages.next(options.file_size));
    return all;
}

std::vector<std::string> read_messages(const std::string& directory) {
    std::vector<std::string> contents;
    for (const std::string& path : list_directory(directory)) {
        std::string& content = contents.emplace_back();
        read_blocks(path, [&](std::span<const std::byte> block) {
            content.append(reinterpret_cast<const char*>(block.data()), block.size());
        });
    }
    return contents;
}

std::vector<std::uint64_t> indices(std::size_t count) {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), std::uint64_t{0});
    return all;
}

/// The minimum over a while: a core's frequency changes within milliseconds, and items should be equally long
/// in every process.
double nanoseconds_per_round() {
    constexpr std::uint64_t rounds = 5'000;
    constexpr std::chrono::milliseconds a_while{50};
    double least = std::numeric_limits<double>::max();
    std::uint64_t hash = 1;
    const auto first = std::chrono::steady_clock::now();
    for (auto begin = first; begin - first < a_while;) {
        hash = hash_chain(hash, rounds);
        const auto end = std::chrono::steady_clock::now();
        least = std::min(least, std::chrono::duration<double, std::nano>(end - begin).count());
        begin = end;
    }
    // Uses the hash, so that the compiler keeps the loop; that changes the result by nothing.
    return least / static_cast<double>(rounds + (hash == 0 ? 1 : 0));
}

/// The origin of the bytes, in words.
std::string origin_of(const workload_options& options) {
    return options.input.empty() ? fmt::format("random bytes, seed {}", options.seed)
                                 : "from " + options.input;
}

} // namespace

file_workload::file_workload(std::string directory) : directory_(std::move(directory)), paths_(list()) {
    for (const std::string& path : paths_) bytes_ += lengths_.emplace_back(read(path));
    digests_ = results_of(*this, items());
}

std::uint64_t file_workload::read(const std::string& path) const {
    std::uint64_t length = 0;
    read_blocks(path, [&](std::span<const std::byte> block) { length += block.size(); });
    return length;
}

std::vector<std::string> file_workload::list() const { return list_directory(directory_); }

memory_workload::memory_workload(std::vector<std::string> messages) : messages_(std::move(messages)) {
    for (const std::string& message : messages_) bytes_ += message.size();
    digests_ = results_of(*this, items());
}

std::uint64_t hash_chain(std::uint64_t hash, std::uint64_t rounds) noexcept {
    // Each round depends on the one before, so that the compiler can neither skip nor overlap them. Two
    // multiplications and shifts are the finaliser of MurmurHash3.
    for (std::uint64_t round = 0; round < rounds; ++round) {
        hash = (hash ^ (hash >> 33U)) * 0xff51afd7ed558ccdU + round;
        hash = (hash ^ (hash >> 33U)) * 0xc4ceb9fe1a85ec53U;
    }
    return hash;
}

std::uint64_t rounds_that_take(double nanoseconds) {
    static const double per_round = nanoseconds_per_round();
    return static_cast<std::uint64_t>(std::llround(nanoseconds / per_round));
}

spin_workload::spin_workload(std::size_t items, std::chrono::nanoseconds cost)
    : rounds_(rounds_that_take(static_cast<double>(cost.count()))), indices_(indices(items)),
      hashes_(results_of(*this, this->items())) {}

mixed_workload::mixed_workload(std::size_t items, std::chrono::nanoseconds mean_cost, double skew) {
    items_.reserve(items);
    for (std::size_t i = 0; i < items; ++i) {
        const double place = (static_cast<double>(i) + 0.5) / static_cast<double>(items);
        const double cost = static_cast<double>(mean_cost.count()) * (skew + 1) * std::pow(place, skew);
        items_.push_back({i, rounds_that_take(cost)});
    }
    hashes_ = results_of(*this, this->items());
}

empty_workload::empty_workload(std::size_t items) : indices_(indices(items)) {}

workload make_workload(const workload_options& options, temporary_directory& scratch) {
    const bool generated = options.input.empty();
    switch (options.kind) {
        case workload_kind::memory:
            return memory_workload(generated ? make_messages(options) : read_messages(options.input));
        case workload_kind::spin: return spin_workload(options.items, options.item_cost);
        case workload_kind::mixed: return mixed_workload(options.items, options.item_cost, options.skew);
        case workload_kind::empty: return empty_workload(options.items);
        case workload_kind::files: break;
    }
    if (!generated) return file_workload(options.input);
    std::string directory = scratch.create();
    write_files(options, scratch);
    return file_workload(std::move(directory));
}

std::string description(const workload_options& options, const workload& work) {
    const std::size_t items = std::visit([](const auto& each) { return each.items().size(); }, work);
    const std::string bytes = text_of_size(std::visit([](const auto& each) { return each.bytes(); }, work));
    const std::string cost = text_of_duration(options.item_cost);
    switch (options.kind) {
        case workload_kind::files:
            return fmt::format("MD5 of {} files, {} in all, {}", items, bytes, origin_of(options));
        case workload_kind::memory:
            return fmt::format("MD5 of {} messages in memory, {} in all, {}", items, bytes,
                               origin_of(options));
        case workload_kind::spin: return fmt::format("{} items that spin for {} each", items, cost);
        case workload_kind::mixed:
            return fmt::format("{} items that spin for {} in the mean, skew {}", items, cost, options.skew);
        case workload_kind::empty: break;
    }
    return fmt::format("{} items that do nothing", items);
}

std::string common_description(const workload_options& options) {
    switch (options.kind) {
        case workload_kind::files: return "MD5 of files, " + origin_of(options);
        case workload_kind::memory: return "MD5 of messages in memory, " + origin_of(options);
        case workload_kind::spin: return "items that spin";
        case workload_kind::mixed: return "items that spin, some for longer than others";
        case workload_kind::empty: break;
    }
    return "items that do nothing";
}

} // namespace spmd_bench
