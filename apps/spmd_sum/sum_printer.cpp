#include <spmd_sum/sum_printer.hpp>

#include <checksum/sum_line.hpp>
#include <spmd_sum/json_line.hpp>

namespace spmd_sum {

sum_printer::sum_printer(const request& wanted, const checksum::algorithm& digest_algorithm, printer& to)
    : wanted_{&wanted}, algorithm_{&digest_algorithm}, tag_{digest_algorithm.tag()}, to_{&to} {}

void sum_printer::print(const checksum::file_batch& batch) {
    for (const std::string& remark : batch.remarks) to_->complain(remark);
    std::string name;
    for (std::size_t range = 0; range < batch.ranges.size(); ++range)
        for (std::size_t i = 0; i < batch.sums[range].size(); ++i) {
            is_over_ = is_over_ || !batch.sums[range][i].is_done;
            if (is_over_) break;
            name = batch.ranges[range].directory;
            name += batch.ranges[range].names[i];
            print(name, batch.sums[range][i]);
        }
    to_->print(text_);
    text_.clear();
    to_->pause();
}

void sum_printer::print(const std::string& name, const checksum::file_sum& sum) {
    if (sum.error) {
        to_->print(text_);
        text_.clear();
        to_->complain(name + ": " + sum.error.message());
        all_good_ = false;
        if (wanted_->is_json) append_json_line(text_, name, {{"error", sum.error.message()}});
    } else if (wanted_->is_json) {
        append_json_line(text_, name,
                         {{"algorithm", algorithm_->name()}, {"digest", checksum::hex(sum.digest.bytes())}});
    } else {
        checksum::append_sum_line(text_, sum.digest.bytes(), name, tag_, wanted_->format);
    }
}

} // namespace spmd_sum
