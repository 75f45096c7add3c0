import { expect, test } from "vitest";
import { Watchlist } from "../src/watchlist";

/** A server that keeps the list for real; `down` makes it refuse. */
function server(initial: string[]) {
  const saved = new Set(initial);
  const writes: string[] = [];
  const state = { down: false, saved, writes };
  const api = {
    watchlist: () => (state.down ? Promise.reject(new Error("down")) : Promise.resolve([...saved])),
    setWatched: async (symbol: string, watched: boolean) => {
      await Promise.resolve();
      if (state.down) throw new Error("down");
      writes.push(`${watched ? "+" : "-"}${symbol}`);
      if (watched) saved.add(symbol);
      else saved.delete(symbol);
    },
  };
  return { state, list: new Watchlist(api) };
}

test("shows what the server keeps, and a change at once", async () => {
  const { state, list } = server(["A"]);
  await list.load();
  const done = list.toggle("B");
  expect(list.symbols.value).toEqual(["A", "B"]);
  await done;
  expect([...state.saved]).toEqual(["A", "B"]);
});

test("quick clicks reach the server in their order", async () => {
  const { state, list } = server([]);
  await list.load();
  void list.toggle("A");
  void list.toggle("B");
  await list.toggle("A");
  expect(state.writes).toEqual(["+A", "+B", "-A"]);
  expect(list.symbols.value).toEqual(["B"]);
});

test("a change that cannot be saved is taken back and reported, until one succeeds", async () => {
  const { state, list } = server(["A", "B"]);
  await list.load();
  state.down = true;
  const done = list.toggle("A");
  expect(list.symbols.value).toEqual(["B"]);
  await done;
  expect(list.symbols.value).toEqual(["A", "B"]);
  expect(list.saveFailed.value).toBe(true);
  state.down = false;
  await list.toggle("A");
  expect(list.symbols.value).toEqual(["B"]);
  expect(list.saveFailed.value).toBe(false);
});

test("a list that cannot be loaded says so and can be loaded again", async () => {
  const { state, list } = server(["A"]);
  state.down = true;
  await list.load();
  expect(list.status.value).toBe("error");
  state.down = false;
  await list.load();
  expect(list.status.value).toBe("ready");
  expect(list.symbols.value).toEqual(["A"]);
});
