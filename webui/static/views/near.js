import { useEffect, useRef, useState } from "../vendor/hooks.mjs";

const MARGIN = "600px"; // around the window: what scrolls in is already up to date

// useNear tells whether the element of ref is in the window or close to it. With
// a hundred load balancers only the few in sight are worth a render a second.
export function useNear(ref) {
  const [near, setNear] = useState(true);
  useEffect(() => {
    const observer = new IntersectionObserver((entries) => setNear(entries.at(-1).isIntersecting), { rootMargin: MARGIN });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, []);
  return near;
}

// useLast gives make's newest result, or the one before where fresh is false.
export function useLast(fresh, make) {
  const last = useRef(null);
  if (fresh || last.current === null) last.current = make();
  return last.current;
}
