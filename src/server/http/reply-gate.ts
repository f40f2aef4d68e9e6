/**
 * Replies of one turn of the event loop leave at its end, one right after the other. The first of them wakes the
 * client's process or its network card; those behind it find it awake and cost half. Nobody waits for longer than
 * what came together takes to be answered.
 */

/** A hook for `onSend`. */
export function createReplyGate() {
  let waiting: (() => void)[] = [];
  const open = (): void => {
    const together = waiting;
    waiting = [];
    for (const send of together) send();
  };
  return (_request: unknown, _reply: unknown, _payload: unknown, done: () => void): void => {
    if (waiting.push(done) === 1) setImmediate(open);
  };
}
