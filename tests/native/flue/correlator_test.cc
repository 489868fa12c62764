#include "flue/correlator.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace isotel::flue {
namespace {

// Events told by a few words; the clock moves by a millisecond with each.
struct Story {
  explicit Story(const Limits& limits = {}) : correlator(limits) {}

  const std::vector<SpanOp>& Take(const Event& event) { return correlator.Take(event, now_ms++); }

  Handle Open(const Event& event) {
    const std::vector<SpanOp>& ops = Take(event);
    REQUIRE(!ops.empty());
    REQUIRE(ops.back().code == OpCode::kOpen);
    return ops.back().span;
  }

  Correlator correlator;
  double now_ms = 1'000;
};

// The spans that end and why, in their order.
std::vector<std::pair<Handle, Ending>> EndsOf(const std::vector<SpanOp>& ops) {
  std::vector<std::pair<Handle, Ending>> ends;
  for (const SpanOp& op : ops) {
    if (op.code == OpCode::kEnd) ends.emplace_back(op.span, op.ending);
  }
  return ends;
}

using Ends = std::vector<std::pair<Handle, Ending>>;

Event RunStart(std::string_view run) { return {.type = EventType::kRunStart, .run = run}; }
Event Operation(EventType type, std::string_view operation, std::string_view task = {}, std::string_view run = {}) {
  return {.type = type, .run = run, .operation = operation, .task = task};
}
Event Turn(EventType type, std::string_view turn, std::string_view operation) {
  return {.type = type, .operation = operation, .turn = turn};
}
Event Task(EventType type, std::string_view task, std::string_view operation) {
  return {.type = type, .operation = operation, .task = task};
}
Event Tool(EventType type, std::string_view call, std::string_view operation, std::string_view turn = {}) {
  return {.type = type, .operation = operation, .turn = turn, .tool_call = call};
}

TEST_CASE("a span opens under the nearest span its event names") {
  Story story;
  const Handle run = story.Open(RunStart("r"));
  const Handle operation = story.Open(Operation(EventType::kOperationStart, "o", {}, "r"));
  const Handle turn = story.Open(Turn(EventType::kTurnRequest, "t", "o"));
  const auto parent_of = [&story](const Event& event) {
    const std::vector<SpanOp>& ops = story.Take(event);
    REQUIRE(ops.size() == 1);
    return ops[0].parent;
  };
  CHECK(story.correlator.open_spans() == 3);
  CHECK(parent_of(Tool(EventType::kToolStart, "in turn", "o", "t")) == turn);
  CHECK(parent_of(Tool(EventType::kToolStart, "of another turn", "o", "gone")) == operation);
  CHECK(parent_of(Task(EventType::kTaskStart, "k", "o")) == operation);
  CHECK(parent_of({.type = EventType::kToolStart, .run = "r", .tool_call = "in run"}) == run);
  CHECK(parent_of({.type = EventType::kToolStart, .turn = "unknown", .tool_call = "nowhere"}) == kNoHandle);
}

TEST_CASE("a turn that summarizes opens under its compaction, any other beside it") {
  Story story;
  story.Open(Operation(EventType::kOperationStart, "o"));
  const Handle compaction =
      story.Open({.type = EventType::kCompactionStart, .instance = "i", .session = "s", .operation = "o"});
  Event turn{.type = EventType::kTurnRequest, .instance = "i", .session = "s", .operation = "o", .turn = "a"};
  CHECK(story.Take(turn)[0].parent != compaction);
  turn.turn = "b";
  turn.is_compaction_turn = true;
  CHECK(story.Take(turn)[0].parent == compaction);
}

TEST_CASE("the end of an operation ends what is open in it, delegated operations included, without any run") {
  Story story;
  const Handle outer = story.Open(Operation(EventType::kOperationStart, "o"));
  const Handle turn = story.Open(Turn(EventType::kTurnRequest, "t", "o"));
  const Handle task = story.Open(Task(EventType::kTaskStart, "k", "o"));
  const Handle inner = story.Open(Operation(EventType::kOperationStart, "p", "k"));
  const Handle inner_turn = story.Open(Turn(EventType::kTurnRequest, "u", "p"));
  const Handle other = story.Open(Operation(EventType::kOperationStart, "q"));
  CHECK(EndsOf(story.Take(Operation(EventType::kOperationEnd, "o"))) == Ends{{inner_turn, Ending::kOperationEnded},
                                                                             {inner, Ending::kOperationEnded},
                                                                             {task, Ending::kOperationEnded},
                                                                             {turn, Ending::kOperationEnded},
                                                                             {outer, Ending::kOwnEvent}});
  CHECK(story.correlator.Count(FlueCounter::kTerminatedSpans) == 4);
  CHECK(story.correlator.open_spans() == 1);
  CHECK(EndsOf(story.correlator.EndAll()) == Ends{{other, Ending::kDisposed}});
}

TEST_CASE("the end of a run ends all of it, once, also what never named an operation that is open") {
  Story story;
  const Handle run = story.Open(RunStart("r"));
  const Handle operation = story.Open(Operation(EventType::kOperationStart, "o", {}, "r"));
  const Handle orphan = story.Open({.type = EventType::kTurnRequest, .run = "r", .operation = "lost", .turn = "t"});
  CHECK(EndsOf(story.Take({.type = EventType::kRunEnd, .run = "r"})) ==
        Ends{{orphan, Ending::kRunEnded}, {operation, Ending::kRunEnded}, {run, Ending::kOwnEvent}});
  CHECK(story.correlator.open_spans() == 0);
}

TEST_CASE("delegations in a circle end") {
  Story story;
  story.Open(Task(EventType::kTaskStart, "k", "p"));
  story.Open(Operation(EventType::kOperationStart, "o", "k"));
  story.Open(Task(EventType::kTaskStart, "l", "o"));
  story.Open(Operation(EventType::kOperationStart, "p", "l"));
  CHECK(EndsOf(story.Take(Operation(EventType::kOperationEnd, "o"))).size() == 4);
  CHECK(story.correlator.open_spans() == 0);
}

TEST_CASE("a resumed run is a new segment that continues the open root") {
  Story story;
  const Handle root = story.Open(RunStart("r"));
  const Handle operation = story.Open(Operation(EventType::kOperationStart, "o", {}, "r"));
  const std::vector<SpanOp> ops = story.Take({.type = EventType::kRunResume, .run = "r"});
  REQUIRE(ops.size() == 3);
  CHECK(ops[0].code == OpCode::kOpen);
  CHECK(ops[0].predecessor == root);
  CHECK(ops[0].parent == kNoHandle);
  CHECK(EndsOf(ops) == Ends{{operation, Ending::kInterrupted}, {root, Ending::kResumed}});
  CHECK(EndsOf(story.Take({.type = EventType::kRunEnd, .run = "r"})) == Ends{{ops[0].span, Ending::kOwnEvent}});

  SUBCASE("also after the end of an earlier segment, of which nothing is left to continue") {
    const std::vector<SpanOp> again = story.Take({.type = EventType::kRunResume, .run = "r"});
    REQUIRE(again.size() == 1);
    CHECK(again[0].predecessor == kNoHandle);
    CHECK(story.Open(Operation(EventType::kOperationStart, "p", {}, "r")) != kNoHandle);
  }
}

TEST_CASE("what comes twice, late or without its start is counted and opens nothing") {
  Story story;
  story.Open(RunStart("r"));
  CHECK(story.Take(RunStart("r")).empty());
  CHECK(story.correlator.Count(FlueCounter::kDuplicateStarts) == 1);
  CHECK(story.Take(Turn(EventType::kTurnEnd, "t", "o")).empty());
  CHECK(story.correlator.Count(FlueCounter::kUnmatchedEnds) == 1);
  CHECK(story.Take({.type = EventType::kRunEnd, .run = "r"}).size() == 1);
  CHECK(story.Take(RunStart("r")).empty());
  CHECK(story.Take(Operation(EventType::kOperationStart, "o", {}, "r")).empty());
  CHECK(story.correlator.Count(FlueCounter::kLateStarts) == 2);
  CHECK(story.Take({.type = EventType::kLog, .run = "r"}).empty());
  CHECK(story.correlator.Count(FlueCounter::kUnattachedLogs) == 1);
  CHECK(story.Take(RunStart("")).empty());
  CHECK(story.Take(RunStart(std::string(kMaxFlueKeyBytes + 1, 'r'))).empty());
  CHECK(story.Take(Tool(EventType::kToolStart, "", "o", "t")).empty());
  CHECK(story.correlator.Count(FlueCounter::kUnkeyedEvents) == 3);
  CHECK(story.correlator.open_spans() == 0);
}

TEST_CASE("what comes of an operation or a task is late once it ended with what it belongs to") {
  Story story;
  story.Open(Operation(EventType::kOperationStart, "o"));
  story.Open(Task(EventType::kTaskStart, "k", "o"));
  story.Open(Operation(EventType::kOperationStart, "p", "k"));
  CHECK(story.Take(Operation(EventType::kOperationEnd, "o")).size() == 3);
  CHECK(story.Take(Operation(EventType::kOperationStart, "q", "k")).empty());
  CHECK(story.Take(Turn(EventType::kTurnRequest, "t", "p")).empty());
  CHECK(story.correlator.Count(FlueCounter::kLateStarts) == 2);
}

TEST_CASE("one span too many gives up the oldest, and one too old is given up") {
  Story story({.open_spans = 2, .span_age_ms = 100});
  const Handle first = story.Open(RunStart("a"));
  const Handle second = story.Open(RunStart("b"));
  const std::vector<SpanOp> ops = story.Take(RunStart("c"));
  CHECK(EndsOf(ops) == Ends{{first, Ending::kEvicted}});
  CHECK(ops.back().code == OpCode::kOpen);
  story.now_ms += 98;
  CHECK(EndsOf(story.Take({.type = EventType::kLog, .run = "c"})).empty());
  CHECK(EndsOf(story.Take({.type = EventType::kLog, .run = "c"})) == Ends{{second, Ending::kExpired}});
  CHECK(story.correlator.Count(FlueCounter::kEvictedSpans) == 1);
  CHECK(story.correlator.Count(FlueCounter::kExpiredSpans) == 1);
}

TEST_CASE("a run whose open root is evicted by its own resumption still resumes") {
  Story story({.open_spans = 1, .span_age_ms = 1e9});
  const Handle root = story.Open(RunStart("r"));
  const std::vector<SpanOp> ops = story.Take({.type = EventType::kRunResume, .run = "r"});
  REQUIRE(ops.size() == 2);
  CHECK(EndsOf(ops) == Ends{{root, Ending::kEvicted}});
  // It continues nothing that is open.
  CHECK(ops.back().predecessor == kNoHandle);
  CHECK(story.correlator.open_spans() == 1);
}

TEST_CASE("ends are remembered in a bounded number, the latest ones") {
  RecentIds ids(2);
  ids.Add("a");
  ids.Add("b");
  ids.Add("b");
  CHECK(ids.Contains("a"));
  ids.Add("c");
  CHECK_FALSE(ids.Contains("a"));
  ids.Remove("c");
  CHECK_FALSE(ids.Contains("c"));
  ids.Add("d");
  ids.Add("e");
  CHECK(ids.Contains("d"));
  CHECK(ids.Contains("e"));
  CHECK_FALSE(ids.Contains("b"));
}

TEST_CASE("the end of a submission ends what is open of it, and what still comes of it is late") {
  Story story;
  Event operation{.type = EventType::kOperationStart, .operation = "o", .submission = "s"};
  const Handle opened = story.Open(operation);
  const Handle turn = story.Open(Turn(EventType::kTurnRequest, "t", "o"));
  operation = {.type = EventType::kOperationStart, .operation = "p", .submission = "other"};
  story.Open(operation);
  CHECK(EndsOf(story.Take({.type = EventType::kSubmissionSettled, .submission = "s"})) ==
        Ends{{turn, Ending::kSettled}, {opened, Ending::kSettled}});
  CHECK(story.correlator.open_spans() == 1);
  operation = {.type = EventType::kOperationStart, .operation = "q", .submission = "s"};
  CHECK(story.Take(operation).empty());
  CHECK(story.correlator.Count(FlueCounter::kLateStarts) == 1);
  CHECK(story.Take({.type = EventType::kSubmissionSettled}).empty());
  CHECK(story.correlator.Count(FlueCounter::kUnkeyedEvents) == 1);
}

Event GenAi(Event event) {
  event.is_gen_ai = true;
  return event;
}

Event Prompt(EventType type, std::string_view operation, std::string_view task = {}) {
  Event event = GenAi(Operation(type, operation, task));
  event.is_prompt = true;
  return event;
}

Event OfTask(Event event, std::string_view task) {
  event.task = task;
  return GenAi(event);
}

TEST_CASE("conventions for generative AI: a task stands for the prompt it delegates") {
  Story story;
  const Handle outer = story.Open(Prompt(EventType::kOperationStart, "o"));
  const Handle task = story.Open(GenAi(Task(EventType::kTaskStart, "k", "o")));
  CHECK(story.Take(Prompt(EventType::kOperationStart, "p", "k")).empty());
  CHECK(story.correlator.Find(Prompt(EventType::kOperationStart, "p", "k")) == task);
  const auto of_turn = story.Take(OfTask(Turn(EventType::kTurnRequest, "t", "p"), "k"));
  REQUIRE(of_turn.size() == 1);
  CHECK(of_turn[0].parent == task);
  CHECK(of_turn[0].type == SpanType::kInference);
  const Handle turn = of_turn[0].span;

  SUBCASE("the end of the prompt ends what is open in it, and the task goes on") {
    CHECK(EndsOf(story.Take(Prompt(EventType::kOperationEnd, "p", "k"))) == Ends{{turn, Ending::kOperationEnded}});
    CHECK(story.correlator.Find(Prompt(EventType::kOperationStart, "p", "k")) == kNoHandle);
    CHECK(EndsOf(story.Take(GenAi(Task(EventType::kTaskEnd, "k", "o")))) == Ends{{task, Ending::kOwnEvent}});
  }
  SUBCASE("the end of the task ends what is open in the prompt") {
    CHECK(EndsOf(story.Take(GenAi(Task(EventType::kTaskEnd, "k", "o")))) ==
          Ends{{turn, Ending::kTaskEnded}, {task, Ending::kOwnEvent}});
    CHECK(story.Take(GenAi(Turn(EventType::kTurnRequest, "late", "p"))).empty());
  }
  SUBCASE("so does the end of the operation that delegated") {
    CHECK(EndsOf(story.Take(Prompt(EventType::kOperationEnd, "o"))) ==
          Ends{{turn, Ending::kOperationEnded}, {task, Ending::kOperationEnded}, {outer, Ending::kOwnEvent}});
    CHECK(story.correlator.open_spans() == 0);
    CHECK(story.Take(GenAi(Turn(EventType::kTurnRequest, "late", "p"))).empty());
  }
  SUBCASE("a prompt that comes twice is one") {
    CHECK(story.Take(Prompt(EventType::kOperationStart, "p", "k")).empty());
    CHECK(story.correlator.Count(FlueCounter::kDuplicateStarts) == 1);
  }
  CHECK(story.correlator.Count(FlueCounter::kUnmatchedEnds) == 0);
}

TEST_CASE("conventions for generative AI: tools stand beside their turn, and some things have no span") {
  Story story;
  const Handle agent = story.Open(Prompt(EventType::kOperationStart, "o"));
  story.Open(GenAi(Turn(EventType::kTurnRequest, "t", "o")));
  const auto of_tool = story.Take(GenAi(Tool(EventType::kToolStart, "c", "o", "t")));
  REQUIRE(of_tool.size() == 1);
  CHECK(of_tool[0].parent == agent);
  CHECK(of_tool[0].type == SpanType::kToolExecution);

  Event task_tool = GenAi(Tool(EventType::kToolStart, "d", "o", "t"));
  task_tool.is_task_tool = true;
  CHECK(story.Take(task_tool).empty());
  task_tool.type = EventType::kToolEnd;
  CHECK(story.Take(task_tool).empty());

  Event shell = GenAi(Operation(EventType::kOperationStart, "sh"));
  shell.is_shell = true;
  CHECK(story.Take(shell).empty());
  Event call = GenAi(Tool(EventType::kToolStart, "e", "sh"));
  call.is_shell = true;
  const auto of_call = story.Take(call);
  REQUIRE(of_call.size() == 1);
  CHECK(of_call[0].type == SpanType::kShell);
  CHECK(of_call[0].parent == kNoHandle);
  shell.type = EventType::kOperationEnd;
  CHECK(EndsOf(story.Take(shell)) == Ends{{of_call[0].span, Ending::kOperationEnded}});
  CHECK(story.correlator.Count(FlueCounter::kUnmatchedEnds) == 0);
}

TEST_CASE("identifiers are read when there are as many as told, and refused otherwise") {
  using std::string_view_literals::operator""sv;
  // The event's texts are those of the identifiers it was read with.
  KnownIds ids;
  Event event;
  CHECK(ids.Read(0xFFFF, "r\0i\0s\0o\0k\0t\0c\0u\0"sv, event) == Error::kOk);
  CHECK(event.run == "r");
  CHECK(event.instance == "i");
  CHECK(event.session == "s");
  CHECK(event.operation == "o");
  CHECK(event.task == "k");
  CHECK(event.turn == "t");
  CHECK(event.tool_call == "c");
  CHECK(event.submission == "u");
  CHECK(KnownIds{}.Read(0x0303, "r\0"sv, event) == Error::kOutOfRange);
  CHECK(KnownIds{}.Read(0x0303, "r\0i"sv, event) == Error::kOutOfRange);
  CHECK(KnownIds{}.Read(0x0303, "r\0i\0\0"sv, event) == Error::kOutOfRange);
  CHECK(KnownIds{}.Read(0x0101, "", event) == Error::kOutOfRange);
  CHECK(KnownIds{}.Read(0, "r\0"sv, event) == Error::kOutOfRange);
}

TEST_CASE("an identifier stays known while events have none or another in its place") {
  using std::string_view_literals::operator""sv;
  KnownIds ids;
  Event first;
  CHECK(ids.Read(0x0909, "r\0o\0"sv, first) == Error::kOk);
  Event without;
  CHECK(ids.Read(0x0008, "", without) == Error::kOk);
  CHECK(without.run.empty());
  CHECK(without.operation == "o");
  Event other;
  CHECK(ids.Read(0x0809, "p\0"sv, other) == Error::kOk);
  CHECK(other.run == "r");
  CHECK(other.operation == "p");
}

}  // namespace
}  // namespace isotel::flue
