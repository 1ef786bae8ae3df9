// How much memory WebAssembly modules have taken: browsers tell a page of it nowhere else without isolation.

/** Watch what is made from now on. @returns {() => number} the bytes of all memories together */
export function watchMemories() {
  const memories = new Set();
  const { Memory, instantiate, instantiateStreaming } = WebAssembly;
  WebAssembly.Memory = class extends Memory {
    constructor(...given) {
      super(...given);
      memories.add(this);
    }
  };
  const exported = async (result) => {
    const done = await result;
    for (const each of Object.values((done.instance ?? done).exports))
      if (each instanceof Memory) memories.add(each);
    return done;
  };
  WebAssembly.instantiate = (...given) => exported(instantiate.apply(WebAssembly, given));
  WebAssembly.instantiateStreaming = (...given) => exported(instantiateStreaming.apply(WebAssembly, given));
  return () => [...memories].reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
}
