"""Language models: any endpoint that speaks OpenAI's chat completions, streamed."""
