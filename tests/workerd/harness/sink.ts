// A streaming tail Worker that makes spans real and keeps none, for runs of more spans than a test wants to hold.
export default {
  tailStream: () => () => {},
} satisfies ExportedHandler;
