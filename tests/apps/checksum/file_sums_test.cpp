// Guards the stream of sums: equal for every number of ranks and threads, in the order of the listing,
// complete or a prefix.
#include "../../support/temporary_directory.hpp"

#include <checksum/file_sums.hpp>

#include <catch2/catch.hpp>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using checksum::file_batch;
using checksum::file_sum;
using test_support::temporary_directory;

std::string line_of(std::string path, const std::string& sum) {
    path += ' ';
    path += sum;
    return path;
}

/// A tree with small and large files, and the sums computed by a loop over it.
struct tree {
    explicit tree(std::size_t files) {
        for (std::size_t i = 0; i < files; ++i) {
            const std::size_t size = i % 211 == 5 ? 150'000 + i : i % 300;
            const std::string content(size, static_cast<char>('a' + i % 26));
            std::string name = std::to_string(i / 100);
            name += "/f";
            name += std::to_string(i);
            scratch.write(name, content);
        }
        for (const std::string& path : checksum::list_files(scratch.path()).files)
            lines.push_back(line_of(path, checksum::hex(checksum::md5_of_file(path))));
    }
    temporary_directory scratch;
    std::vector<std::string> lines;
};

/// Batches of a tree.
class tree_batches {
public:
    explicit tree_batches(const std::string& root) : tree_(root) {}
    bool operator()(file_batch& batch) {
        batch.digest_algorithm = &md5_;
        while (batch.ranges.size() < checksum::ranges_in_batch) {
            batch.ranges.push_back(tree_.next(checksum::files_in_range));
            if (!batch.ranges.back().names.empty()) continue;
            batch.ranges.pop_back();
            break;
        }
        ++calls;
        return !batch.ranges.empty();
    }
    std::size_t calls = 0;

private:
    checksum::tree_lister tree_;
    checksum::algorithm md5_{"md5"};
};

void append_lines(const file_batch& batch, std::vector<std::string>& lines) {
    for (std::size_t range = 0; range < batch.ranges.size(); ++range)
        for (std::size_t i = 0; i < batch.ranges[range].names.size(); ++i) {
            const file_sum& sum = batch.sums[range][i];
            if (!sum.is_done) return;
            lines.push_back(line_of(batch.ranges[range].directory + batch.ranges[range].names[i],
                                    sum.error ? sum.error.message() : checksum::hex(sum.digest.bytes())));
        }
}

std::vector<std::string> lines_of(const std::string& root, const checksum::sum_options& options) {
    std::vector<std::string> lines;
    tree_batches batches(root);
    const std::atomic<bool> stop{false};
    checksum::sum_files([&](file_batch& batch) { return batches(batch); }, options, stop,
                        [&](const file_batch& batch) { append_lines(batch, lines); });
    return lines;
}

} // namespace

TEST_CASE("equal lines for every number of ranks and threads, for few files and for many") {
    for (const int files : {0, 1, 100, 9000}) {
        const tree all(static_cast<std::size_t>(files));
        REQUIRE(all.lines.size() == static_cast<std::size_t>(files));
        for (const unsigned ranks : {0U, 1U, 2U, 7U, 100U, 1000U})
            for (const unsigned threads : {1U, 2U, 4U}) {
                CAPTURE(files, ranks, threads);
                REQUIRE(lines_of(all.scratch.path(), {.ranks = ranks, .threads = threads}) == all.lines);
            }
    }
}

TEST_CASE("few descriptors are enough for many large files") {
    temporary_directory scratch;
    std::vector<std::string> expected;
    for (int i = 100; i < 300; ++i) {
        const std::string content(200'000, static_cast<char>(i));
        expected.push_back(
            line_of(scratch.write(std::to_string(i), content), checksum::hex(checksum::md5_of(content))));
    }
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit few = before;
    few.rlim_cur = 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    const std::vector<std::string> lines = lines_of(scratch.path(), {.threads = 4});
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(lines == expected);
}

TEST_CASE("neighbouring large files among many small ones are read by all threads") {
    temporary_directory scratch;
    for (int i = 1000; i < 4000; ++i) scratch.write(std::to_string(i), "x");
    for (int i = 8000; i < 8008; ++i) scratch.write(std::to_string(i), std::string(3 << 20, 'y'));
    std::mutex mutex;
    std::condition_variable second_came;
    std::set<std::thread::id> readers;
    bool is_waited_for = true; // false after the first timeout
    const auto on_read = [&](std::size_t bytes) {
        if (bytes < 60'000) return;
        std::unique_lock lock(mutex);
        readers.insert(std::this_thread::get_id());
        second_came.notify_all();
        is_waited_for = is_waited_for && second_came.wait_for(lock, std::chrono::seconds(5),
                                                              [&] { return readers.size() > 1; });
    };
    CHECK(lines_of(scratch.path(), {.threads = 2, .on_read = on_read}).size() == 3008);
    CHECK(readers.size() == 2);
}

TEST_CASE("after a stop the consumed sums are a prefix") {
    const tree all(9'000);
    for (const std::size_t stop_after :
         {std::size_t{1}, std::size_t{500}, std::size_t{4'100}, std::size_t{8'000}}) {
        std::atomic<bool> stop{false};
        std::atomic<std::size_t> files{0};
        std::vector<std::string> lines;
        bool is_over = false;
        tree_batches batches(all.scratch.path());
        checksum::sum_files([&](file_batch& batch) { return batches(batch); },
                            {.on_file = [&] { stop = ++files >= stop_after; }}, stop,
                            [&](const file_batch& batch) {
                                if (is_over) return;
                                const std::size_t before = lines.size();
                                append_lines(batch, lines);
                                std::size_t size = 0;
                                for (const auto& range : batch.ranges) size += range.names.size();
                                is_over = lines.size() < before + size;
                            });
        CHECK(lines.size() < all.lines.size());
        CHECK(std::equal(lines.begin(), lines.end(), all.lines.begin()));
    }
}

TEST_CASE("exceptions of the listing and the output propagate, and no later batch is consumed") {
    const tree all(9'000);
    const std::atomic<bool> stop{false};
    std::size_t consumed = 0;
    tree_batches batches(all.scratch.path());
    CHECK_THROWS_WITH(checksum::sum_files([&](file_batch& batch) { return batches(batch); }, {}, stop,
                                          [&](const file_batch&) {
                                              if (++consumed == 2) throw std::runtime_error("no more paper");
                                          }),
                      "no more paper");
    CHECK(consumed == 2);
    tree_batches again(all.scratch.path());
    CHECK_THROWS_WITH(checksum::sum_files(
                          [&](file_batch& batch) {
                              if (again.calls == 2) throw std::runtime_error("no more names");
                              return again(batch);
                          },
                          {}, stop, [](const file_batch&) {}),
                      "no more names");
}
