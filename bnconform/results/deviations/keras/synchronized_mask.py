"""keras.layers.BatchNormalization(synchronized=True) synchronizes nothing where it is called with a mask: each replica
normalizes by its own values, without a word. Exit status 1: still so."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np
import tensorflow

cpu, two = tensorflow.config.list_physical_devices("CPU")[0], [tensorflow.config.LogicalDeviceConfiguration()] * 2
tensorflow.config.set_logical_device_configuration(cpu, two)
strategy = tensorflow.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    layer = keras.layers.BatchNormalization(synchronized=True, epsilon=1e-6)
    layer.build((None, None, 1))
x = [tensorflow.constant([[[0.0], [2.0]]]), tensorflow.constant([[[10.0], [12.0]]])]  # of the two replicas
given, found = strategy.experimental_distribute_values_from_function(lambda c: x[c.replica_id_in_sync_group]), {}
for name, mask in (("without a mask", None), ("a mask of ones", tensorflow.ones((1, 2), bool))):
    parts = strategy.run(lambda x, mask=mask: layer(x, training=True, mask=mask), args=(given,))
    found[name] = np.concatenate([part.numpy().ravel() for part in strategy.experimental_local_results(parts)])
    print("keras", keras.__version__, "|", name, "returned", found[name], "due [-1.177 -0.784 0.784 1.177]")
raise SystemExit(int(np.abs(np.subtract(*found.values())).max() > 0.1))  # both show all; the one gives -1 1 -1 1
