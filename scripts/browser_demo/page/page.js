// What is seen: the query, the progress, and in each language the nearest sentence.
const element = (id) => document.getElementById(id);
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const SPOKEN_AFTER = 700; // milliseconds without typing

const rows = [...document.querySelectorAll("#results li")].map((item) => ({
  item,
  language: item.querySelector(".language").textContent,
  text: item.querySelector(".sentence"),
  number: item.querySelector(".cosine"),
}));
const page = await (await fetch("page.json")).json();
const worker = new Worker("encoder.js", { type: "module" });
worker.postMessage({ page });
const query = element("query");
let speaking;

const kinds = {
  progress({ loaded }) {
    element("progress").value = loaded;
    element("bytes").textContent = megabytes(loaded);
  },
  ready({ loaded, memory }) {
    element("loading").className = "done";
    element("bytes").textContent = megabytes(loaded);
    element("ready").textContent = `${(performance.now() / 1000).toFixed(1)} s`;
    element("memory").textContent = megabytes(memory);
    document.documentElement.dataset.ready = String(Math.round(performance.now()));
    if (!query.value.trim()) say("Ready. Type a sentence, or choose an example.");
  },
  found({ text, nearest, embedding, milliseconds, memory }) {
    element("time").textContent = `${milliseconds.toFixed(0)} ms`;
    element("memory").textContent = megabytes(memory);
    if (text !== query.value.trim()) return;
    show(nearest);
    window.answer = { embedding: Array.from(embedding), milliseconds }; // for those who look in from outside
    document.documentElement.dataset.answered = text;
  },
  failed({ message }) {
    element("state").className = "failed";
    say(`The model could not be loaded: ${message}`);
    kinds.progress = () => {}; // other files may still come in
  },
};
worker.onmessage = ({ data }) => kinds[data.kind](data);
worker.onerror = ({ message }) => kinds.failed({ message: message || "see the browser’s console" });

query.addEventListener("input", ask);
element("search").addEventListener("submit", (event) => event.preventDefault());
element("examples").addEventListener("click", ({ target }) => {
  if (target.tagName !== "BUTTON") return;
  query.value = target.textContent;
  query.focus();
  ask();
});
if (query.value) ask(); // typed before this script ran

function ask() {
  const text = query.value.trim();
  if (text) worker.postMessage({ text });
  else rows.forEach(clear);
}

function show(nearest) {
  const best = nearest.reduce((one, other) => (other.cosine > one.cosine ? other : one));
  nearest.forEach(({ sentence, cosine }, language) => {
    const { item, text, number } = rows[language];
    text.textContent = page.languages[language].sentences[sentence];
    number.textContent = cosine.toFixed(2);
    const translation = sentence === best.sentence;
    item.classList.toggle("translation", translation);
    item.classList.toggle("nearest", nearest[language] === best);
    item.dataset.sentence = sentence;
    number.title = translation ? "a translation of the nearest sentence" : "";
  });
  const alike = nearest.filter(({ sentence }) => sentence === best.sentence).length;
  const { language } = rows[nearest.indexOf(best)];
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    say(`Nearest of all is the one in ${language}; ${alike} of ${nearest.length} are its translations.`);
  }, SPOKEN_AFTER);
}

function clear({ item, text, number }) {
  item.className = "";
  delete document.documentElement.dataset.answered;
  text.textContent = number.textContent = "";
  delete item.dataset.sentence;
}

function say(text) {
  element("state").textContent = text;
}
