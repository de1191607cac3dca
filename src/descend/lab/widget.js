// Follows the lab's module in a notebook, where `descendLab` is what the module exports: as long as
// a page shows the lab it says so, for a kernel is not told when a browser is closed.
const EVERY = 20_000; // milliseconds

export default {
  render(host) {
    const say = () => host.model.send({ kind: "here" });
    say();
    const timer = setInterval(say, EVERY);
    const clear = descendLab.render(host);
    return () => {
      clearInterval(timer);
      clear();
    };
  },
};
