#include "hone/tasks/search/scan.h"

#include <gtest/gtest.h>

namespace hone::tasks::search {
namespace {

TEST(ReadNumber, WholeNumbersThatFit) {
  int64_t value = 7;
  EXPECT_TRUE(read_number("-12", value));
  EXPECT_EQ(value, -12);
  EXPECT_TRUE(read_number("999999999999999999", value));
  EXPECT_EQ(value, 999999999999999999);
  for (const char* text : {"", "-", "1000000000000000000", "1.5", " 1", "1 ", "+1", "0x1", "１"}) {
    EXPECT_FALSE(read_number(text, value)) << text;
  }
}

TEST(Scanner, TakesPartsOffTheFront) {
  Scanner scan("3,[4, -9],0,2,1 9-4=5");
  int64_t value = 0;
  Numbers numbers;
  NodeId id;
  Operation operation;
  EXPECT_TRUE(scan.number(value) && scan.skip(",") && scan.list(numbers) && scan.skip(",") && scan.node(id));
  EXPECT_EQ(numbers, (Numbers{4, -9}));
  EXPECT_EQ(id, (NodeId{0, 2, 1}));
  EXPECT_TRUE(scan.skip(" ") && scan.operation(operation) && scan.done());
  EXPECT_EQ(operation, (Operation{9, '-', 4, 5}));
}

TEST(Scanner, RefusesWhatIsNotThere) {
  Numbers numbers;
  for (const char* text : {"", "[", "[1", "[1,2]", "[1, ]", "1, 2", "[a]"}) {
    EXPECT_FALSE(Scanner(text).list(numbers)) << text;
  }
  Operation operation;
  for (const char* text : {"", "9", "9-", "9-4", "9-4=", "9^4=5", "9--=5"}) {
    EXPECT_FALSE(Scanner(text).operation(operation)) << text;
  }
  std::vector<Operation> operations;
  EXPECT_TRUE(Scanner("[]").quoted_operations(operations));
  EXPECT_TRUE(Scanner("['1+2=3', '3*3=9']").quoted_operations(operations));
  EXPECT_EQ(operations.size(), 2u);
  for (const char* text : {"['1+2=3]", "[1+2=3]", "['1+2=3' '3*3=9']"}) {
    EXPECT_FALSE(Scanner(text).quoted_operations(operations)) << text;
  }
}

TEST(Scanner, BoundsEveryList) {
  std::string list = "[1", ids = "0", operations = "['1+1=2'";
  for (int i = 0; i < 100; ++i) {
    list += ", 1";
    ids += ",1";
    operations += ", '1+1=2'";
  }
  Numbers numbers;
  NodeId id;
  std::vector<Operation> read;
  EXPECT_FALSE(Scanner(list + "]").list(numbers));
  EXPECT_FALSE(Scanner(ids).node(id));
  EXPECT_FALSE(Scanner(operations + "]").quoted_operations(read));
  EXPECT_LE(numbers.size(), kMostMembers);
  EXPECT_LE(read.size(), kDeepest);
}

}  // namespace
}  // namespace hone::tasks::search
