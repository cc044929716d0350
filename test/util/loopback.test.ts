import { expect, test } from "bun:test";
import { isLoopback } from "../../src/util/loopback.ts";

test("names and addresses that always mean this machine", () => {
  const own = ["localhost", "pippin.localhost", "127.0.0.1", "127.9.8.7", "::1", "[::1]", "::ffff:127.0.0.1"];
  const others = ["", "0.0.0.0", "::", "localhost.example", "notlocalhost", "127.0.0.1.example", "10.0.0.1", "::ffff:10.0.0.1", "[::1", "1::1"];
  expect(own.filter(name => !isLoopback(name))).toEqual([]);
  expect(others.filter(isLoopback)).toEqual([]);
});
