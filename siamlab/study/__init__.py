"""What makes recognition work, measured: losses, amounts of data, input size, baselines, speed."""
