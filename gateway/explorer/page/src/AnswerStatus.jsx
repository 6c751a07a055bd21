// Below the answer: its HTTP status and how long it took; before the first answer, how to get one.
import { useSyncExternalStore } from 'react';

let last = null;
const listeners = new Set();

export function recordAnswer(answer) {
  last = answer;
  listeners.forEach((listener) => listener());
}

function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function duration(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function AnswerStatus() {
  const answer = useSyncExternalStore(subscribe, () => last);
  const words = answer
    ? `HTTP ${answer.status} in ${duration(answer.milliseconds)}`
    : 'Choose an example, or press Ctrl-Enter to run what is in the editor.';
  return (
    <p className="answer-status" role="status">
      {words}
    </p>
  );
}
