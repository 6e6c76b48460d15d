// Tells the server, once, that the page's first picture stands and the browser rests: what follows is sent only then,
// so that charts further down do not keep the first one waiting. Data: {of}, "crystal" or "chart".

const LONGEST = 5000; // ms after which the rest is sent whatever the picture does
const OFTEN = 60; // ms between two looks
const AGAIN = 10000; // ms after which an answer that did not come is asked for again

export default function ({ data, parentElement, setTriggerValue }) {
  if (parentElement.asks) return () => {};
  parentElement.asks = true;
  const begun = performance.now();
  const stands = () => (data.of === "chart" ? document.querySelector(".js-plotly-plot .main-svg") : window.tenfmaDrawn > 0);
  const rest = window.requestIdleCallback ?? ((then) => setTimeout(then, OFTEN));
  const look = () => {
    if (!parentElement.isConnected) return; // answered, or left
    if (!stands() && performance.now() - begun < LONGEST) { setTimeout(look, OFTEN); return; }
    rest(() => {
      if (!parentElement.isConnected) return;
      setTriggerValue("stands", true);
      setTimeout(look, AGAIN);
    }, { timeout: 500 });
  };
  look();
  return () => {};
}
