// One run of a random program against one selector, with poll(2) as the judge. Lives as long as the run.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "files.h"
#include "oracle.h"
#include "program.h"

namespace coreactor::fuzz {

struct Failure {
  size_t step;  // of the program's operations
  std::string what;
};

// How often something came only when asked again: some is the network's own time, much would be a fault.
struct Counts {
  size_t waits = 0;
  size_t rows = 0;
  size_t late = 0;
};

class Trial {
 public:
  Trial(std::string_view selector, const Program& program, Counts* counts);

  std::optional<Failure> run();

 private:
  void carryOut(const Operation& operation);
  void make(const Operation& operation);
  void replace(const Operation& operation);
  void add(const Operation& operation);
  void modify(const Operation& operation);
  void remove(int number);
  void drop(unsigned slot);
  void lose(unsigned slot);
  void wait(int64_t ns);
  void settle();

  std::set<int32_t> waitOnce(int64_t ns);
  void checkHost();
  void take(const Ready& row, std::map<int, uint32_t>* told);
  template <class Visit>
  void lookAtAll(Visit visit);
  void expect(int result, int expected, const std::string& what);
  void fail(std::string what);

  const Program& program_;
  Counts* const counts_;
  std::vector<Ready> rows_;
  std::unique_ptr<Selector> selector_;
  Rules rules_{};
  Files files_;
  std::map<int, Expectation> watched_;  // by number
  int32_t token_ = 0;
  int batch_ = 0;             // rows of the last wait
  int interrupted_ = 0;       // waits, since the last settle() began
  bool rung_ = false;         // since the last wait
  bool mayEndEarly_ = false;  // a wake that found no room in a full batch may come later
  std::string failure_;
};

}  // namespace coreactor::fuzz
